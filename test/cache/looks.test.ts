import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import { minuteMs } from '../../contract/filling.ts'
import { fresh } from '../../contract/names.ts'
import { type LookAt, looksInto } from '../../lib/cache/looks.ts'
import { purgesOf } from '../../lib/cache/purges.ts'
import { Deadline } from '../../lib/deadline.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const page = (body: string) => ({
  ...{ vary: [], variant: '', ttlMs: minuteMs, maxVariants: 4 },
  entry: { head: Buffer.from('h'), body: Buffer.from(body) },
})

describe('looks of many at once', () => {
  let server: TestServer
  let proxy: CountingProxy
  let provider: Provider
  let look: LookAt
  let place: { key: string; variant: string }
  let marks: string[]

  before(async () => {
    server = await startRedis()
    proxy = await startCountingProxy(server)
    provider = redisProvider({ url: proxy.url })
    await provider.get('anything')
    look = looksInto(provider.entries)
  })
  beforeEach(async () => {
    place = { key: `{${fresh('page')}}`, variant: '' }
    marks = [fresh('mark')]
    await provider.entries.keep(place.key, page('first'))
    proxy.reset()
  })
  after(async () => {
    await provider.close()
    await proxy.close()
    await server.stop()
  })

  const looking = (deadline = new Deadline(1000)) => look(place, marks, { deadline })
  const bodyOf = async (seeing: ReturnType<LookAt>) => (await seeing).found.entry?.body.toString()

  it('are one where they come in one moment', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => looking()))
    assert.deepEqual(proxy.counts, { HMGET: 1, MGET: 1 })
    assert.equal(new Set(all).size, 1)
    assert.equal(all[0]?.shared, true)
  })

  it('are one for each place, and for each list of marks', async () => {
    const other = { ...place, variant: 'html' }
    await Promise.all([
      looking(),
      look(other, marks, { deadline: new Deadline(1000) }),
      look(place, [...marks, fresh('mark')], { deadline: new Deadline(1000) }),
    ])
    assert.equal(proxy.counts['MGET'], 3)
  })

  it('belong to one alone where nobody else comes', async () => {
    assert.equal((await looking()).shared, false)
  })

  it('are not joined once the event loop has gone on', async () => {
    const first = looking()
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([first, looking()])
    assert.equal(proxy.counts['HMGET'], 2)
  })

  it('are not joined by who knows of a purge since', async () => {
    const first = looking()
    purgesOf(provider).tell(marks)
    await Promise.all([first, looking()])
    assert.equal(proxy.counts['HMGET'], 2)
  })

  it('are not joined once they have seen something', async () => {
    assert.equal(await bodyOf(looking()), 'first')
    await provider.entries.keep(place.key, page('second'))
    assert.equal(await bodyOf(looking()), 'second')
  })

  it('cost all of them the time that one has waited in vain', async () => {
    const frozen = redisProvider({ url: proxy.url })
    await frozen.get('anything')
    await frozen.close()
    const lookAgain = looksInto(frozen.entries)
    const deadlines = [new Deadline(1000), new Deadline(1000)]
    const settled = await Promise.allSettled(
      deadlines.map((each) => lookAgain(place, marks, { deadline: each })),
    )
    assert.deepEqual(new Set(settled.map(({ status }) => status)), new Set(['rejected']))
    assert.ok((deadlines[1]?.remaining() ?? 1000) < 1000)
  })
})
