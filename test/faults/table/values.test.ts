import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store, StoreError } from '../../../lib/index.ts'
import { eventually } from '../../support/eventually.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'

const keys = Array.from({ length: 60 }, (_, at) => `key ${at}`)
const own = (key: string) => ({ of: key, long: key.repeat(20) })

/**
 * What ill befalls replies, and whether anybody gets a right one meanwhile. A piece that is cut may
 * have whole replies in its first half. No deadline is above 900 ms, and no silence ends a connection
 * before a second.
 */
const ills: readonly (readonly [
  string,
  Parameters<FaultProxy['set']>[0],
  'some' | 'none' | 'any',
])[] = [
  ['later than the deadline', { delayMs: 930 }, 'none'],
  ['at random times around the deadline', { jitterMs: 200 }, 'some'],
  ['byte by byte, quickly', { trickleMs: 0.02 }, 'some'],
  ['byte by byte, slowly', { trickleMs: 1 }, 'some'],
  ['cut in the middle now and then', { harm: { to: 'truncate', chance: 0.2 } }, 'some'],
  ['cut in the middle each time', { harm: { to: 'truncate' } }, 'any'],
  ['as bytes that are no RESP now and then', { harm: { to: 'garbage', chance: 0.2 } }, 'some'],
  ['as bytes that are no RESP each time', { harm: { to: 'garbage' } }, 'none'],
  ['or a reset instead now and then', { harm: { to: 'reset', chance: 0.2 } }, 'some'],
]

describe('values whose replies arrive', function () {
  this.timeout(30_000)
  let server: TestServer
  let proxy: FaultProxy
  let store: Store

  before(async () => {
    server = await startRedis()
    proxy = await startFaultProxy(server)
  })
  beforeEach(async () => {
    store = createStore({ url: proxy.url })
    await eventually('a connection', async () => {
      await store.mset(Object.fromEntries(keys.map((key) => [key, own(key)])))
      return true
    })
  })
  afterEach(async () => {
    proxy.clear()
    await store.close()
  })
  after(async () => {
    await proxy.close()
    await server.stop()
  })

  /** Whether each key was answered; what was answered is its own value. */
  async function ask(): Promise<readonly boolean[]> {
    return Promise.all(
      keys.map(async (key, at) => {
        // A few at once, so that a reply that is left over has somebody to go to.
        await sleep(Math.floor(at / 4) * 10)
        try {
          assert.deepEqual(await store.get(key), own(key))
          return true
        } catch (error) {
          assert.ok(error instanceof StoreError, String(error))
          return false
        }
      }),
    )
  }

  for (const [how, faults, right] of ills) {
    it(`${how} are their own, or an error`, async () => {
      proxy.set(faults)
      const asked = async () => (await Promise.all([ask(), ask()])).flat()
      let answered = await asked()
      // Chance may harm the first reply of a round, and nobody is answered before another connection.
      for (let round = 1; right === 'some' && round < 20 && !answered.some(Boolean); round += 1)
        answered = await asked()
      if (right === 'none') assert.ok(!answered.some(Boolean))
      if (right === 'some') assert.ok(answered.some(Boolean))
      proxy.clear()
      // What was late arrives now, and those who ask anew are not given it.
      assert.equal((await ask()).length, keys.length)
      const all = await eventually('all are answered', async () => {
        const answered = await ask()
        return answered.every(Boolean) || undefined
      })
      assert.ok(all)
    })
  }
})
