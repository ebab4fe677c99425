import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { bounds, message, messages, session } from '../../contract/conversation.ts'
import { fieldBounds, fieldMap, preferencesOf, stateOf } from '../../contract/field-values.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'

const kinds = {
  'one Redis': async () => {
    const server = await startRedis()
    return { create: () => redisProvider({ url: server.url }), stop: () => server.stop() }
  },
  'a Redis Cluster': async () => {
    const cluster = await startRedisCluster()
    return { create: () => redisProvider({ cluster: cluster.urls }), stop: () => cluster.stop() }
  },
} as const

for (const [name, start] of Object.entries(kinds)) {
  describe(`a user who is forgotten on ${name} while four processes write`, function () {
    this.timeout(60_000)
    const providers: Provider[] = []
    let stop: () => Promise<void>
    before(async () => {
      const started = await start()
      stop = started.stop
      for (let at = 0; at < 4; at += 1) providers.push(started.create())
      await eventually('it is there', () =>
        Promise.all(providers.map((each) => each.set('there', Buffer.from('1'), 60_000))),
      )
    })
    after(async () => {
      await Promise.all(providers.map((each) => each.close()))
      await stop()
    })

    for (const time of ['once', 'and once more'])
      it(`leaves no key but the tombstone, and that for five seconds, ${time}`, async () => {
        const [first] = providers as [Provider]
        const keys = session('ann', 'one')
        const own = async () =>
          (await first.keys('*')).filter((key) => key.includes('{ann}') && key !== keys.gone)
        await eventually('she may write', async () => {
          const { kind } = await first.history.append(keys, messages('u'), bounds())
          return kind === 'appended' || undefined
        })
        for (let at = 0; at < 130; at += 1)
          await first.history.append(session('ann', `old${at}`), messages('ua'), bounds())

        const writing = { over: false }
        const kinds = new Map<string, number>()
        const writers = providers.map((each, at) => write(each, at, writing, kinds))
        await eventually('all write', async () => (kinds.get('appended') ?? 0) > 100 || undefined)
        const began = performance.now()
        const removed = await first.history.forget(keys)
        const took = performance.now() - began
        assert.ok(removed > 130, `${removed} sessions were removed`)
        const refused = kinds.get('forgotten') ?? 0
        await eventually(
          'they are refused',
          async () => (kinds.get('forgotten') ?? 0) > refused + 200 || undefined,
        )
        writing.over = true
        await Promise.all(writers)
        assert.deepEqual(await own(), [])
        assert.deepEqual(await first.keys('user:*'), [keys.gone])
        await eventually(
          'the tombstone falls',
          async () => (await first.exists([keys.gone])) === 0 || undefined,
          { withinMs: 6_000 },
        )
        const stood = performance.now() - began
        assert.ok(stood > 4_900 && stood < 6_000 + took, `it stood for ${stood} ms`)
        assert.deepEqual(await own(), [])
      })
  })
}

/** Writes in every way to sessions of one user until it is over, and counts what became of it. */
async function write(
  { history, fields }: Provider,
  writer: number,
  writing: { over: boolean },
  kinds: Map<string, number>,
): Promise<void> {
  for (let at = 0; !writing.over; at += 1) {
    const keys = session('ann', `w${at % 60}`)
    const copy = session('ann', `c${writer}-${at % 60}`)
    const limits = { ttlMs: 60_000, ifRev: undefined }
    const done = await Promise.all([
      history.append(keys, [message(`${writer}-${at}`)], bounds()),
      history.amend(keys, { title: Buffer.from('title') }, limits),
      history.fork(keys, copy, undefined, 60_000),
      fields.write(stateOf(keys), fieldMap({ plan: `${at}` }), fieldBounds()),
      fields.write(preferencesOf('ann'), fieldMap({ tone: `${at}` }), fieldBounds()),
    ])
    for (const { kind } of done) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
}
