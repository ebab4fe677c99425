import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { renew } from '../../lib/providers/redis/scripts/renew.ts'
import { metaFields } from '../../lib/providers/redis/session-record.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const keys = ['session', 'list', 'state', 'index'] as const

describe('what is known of a session, in one reply', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  async function read(): Promise<readonly (Buffer | null)[]> {
    return renew.parse(await server.client().callBuffer('EVAL', renew.lua, 4, ...keys, 60_000))
  }

  for (const length of [0, 1, 31, 32, 255, 256, 65_535, 65_536, 200_000])
    it(`holds values of ${length} bytes, whatever these are`, async () => {
      const bytes = Buffer.from(Array.from({ length }, (_, at) => at % 256))
      const fields = metaFields.flatMap((name, at) => (at % 3 === 0 ? [] : [name, bytes]))
      await server.client().del('session')
      await server.client().hset('session', ...fields)
      const wanted = metaFields.map((_, at) => (at % 3 === 0 ? null : bytes))
      assert.deepEqual(await read(), wanted)
    })

  it('holds nothing of a session that is not there', async () => {
    await server.client().del('session')
    assert.deepEqual(
      await read(),
      metaFields.map(() => null),
    )
  })

  it('is refused where it is something else', () => {
    assert.throws(() => renew.parse(Buffer.from([0x91, 0x2a])), TypeError)
  })
})
