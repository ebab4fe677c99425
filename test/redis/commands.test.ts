import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { command } from '../../lib/providers/redis/command.ts'
import { redacted } from '../../lib/redact.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const argument = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Lone surrogates among them: the driver sends what `Buffer.from()` makes of such a text.
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 })).map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('', '\r\n', '$1\r\n', 'x'.repeat(20_000)),
  fc.integer(),
  fc.double(),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => redacted(bytes, '1|2|')),
  fc.constant(Buffer.alloc(10_000, 0xff)),
)

describe('commands of our own making', () => {
  let server: TestServer
  let client: Redis
  before(async () => {
    server = await startRedis()
    client = server.client()
  })
  after(() => server.stop())

  it('tell Redis what they were told, as the driver does', () =>
    fc.assert(
      fc.asyncProperty(fc.array(argument, { minLength: 1, maxLength: 20 }), async (args) => {
        await client.del('ours', 'theirs')
        await Promise.all([
          command(client, 'rpush', ['ours', ...args]),
          client.rpush('theirs', ...args),
        ])
        const [ours, theirs] = await Promise.all([
          command(client, 'lrangeBuffer', ['ours', 0, -1]),
          client.lrangeBuffer('theirs', 0, -1),
        ])
        assert.equal(theirs.length, args.length)
        assert.deepEqual(ours, theirs)
      }),
      { numRuns: 300 },
    ))
})
