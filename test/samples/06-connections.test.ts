import { deepEqual, equal } from 'node:assert/strict'
import type { Store } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { pooledStore, writeInOrder } from '../../examples/samples/06-connections.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('the sample 06-connections', () => {
  let server: TestServer
  let store: Store
  before(async () => {
    server = await startRedis()
    store = pooledStore(server.url)
  })
  after(async () => {
    await store.close()
    await server.stop()
  })

  /** Connections to the server by name. */
  async function connections(): Promise<Record<string, number>> {
    const list = String(await server.client().client('LIST'))
    const counts: Record<string, number> = {}
    for (const [, name = ''] of list.matchAll(/ name=(memoryware\S*)/g))
      counts[name] = (counts[name] ?? 0) + 1
    return counts
  }

  it('has as many connections as it was told, by purpose', async () => {
    await store.set('a', 1)
    const expected = { memoryware: 2, 'memoryware-bodies': 1, 'memoryware-scans': 1 }
    await eventually('all have connected', async () =>
      JSON.stringify(Object.entries(await connections()).toSorted()) ===
      JSON.stringify(Object.entries(expected))
        ? true
        : undefined,
    )
    const leave = await store.subscribe('news', () => {})
    deepEqual(await connections(), { ...expected, 'memoryware-messages': 1 })
    await leave()
  })

  it('keeps the order of what is sent for one key, over all keys at once', async () => {
    const keys = Array.from({ length: 20 }, (_, at) => `doc:${at}`)
    const last = await Promise.all(keys.map((key) => writeInOrder(store, key, 25)))
    deepEqual(
      last,
      Array.from(keys, () => 24),
    )
  })

  it('uses both connections for commands, and the one for scans for scans', async () => {
    const list = async () => String(await server.client().client('LIST'))
    const last = (text: string, name: string) =>
      [...text.matchAll(new RegExp(` name=${name} .* cmd=(\\S+) `, 'g'))].map(([, cmd]) => cmd)
    await store.mset(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`k:${at}`, at])))
    equal(await store.deletePattern('k:*'), 20)
    const text = await list()
    deepEqual(last(text, 'memoryware'), ['set', 'set'])
    deepEqual(last(text, 'memoryware-scans'), ['unlink'])
  })
})
