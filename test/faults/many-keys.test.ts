import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

const slow = ['--slowlog-log-slower-than', '20000', '--slowlog-max-len', '10000']
const slowestMs = 50
const others = 1_000

describe('a million keys under one pattern', function () {
  this.timeout(120_000)
  const count = 1_000_000
  let server: TestServer
  let store: Store
  let plain: Redis
  before(async () => {
    server = await startRedis({ args: slow })
    plain = server.client()
    await fill(plain, 'draft:ann:', count)
    await fill(plain, 'draft:anna:', others)
    // Other things of the store stand among them.
    await plain.hset('session:{ann}:tea', 'rev', '1')
    store = createStore({ url: server.url })
    assert.equal(await store.dbsize(), count + others + 1)
  })
  after(async () => {
    await store.close()
    await server.stop()
  })

  it('are removed, and nobody else’s, while other calls are answered', async () => {
    await plain.config('RESETSTAT')
    const removal = store.deletePattern('draft:ann:*')
    let removed: number | undefined
    let answered = 0
    void removal.then((number) => {
      removed = number
    })
    while (removed === undefined) {
      assert.equal(await store.get('draft:anna:1'), 1)
      answered += 1
    }
    assert.equal(await removal, count)
    assert.equal(await store.dbsize(), others + 1)
    assert.equal((await store.keys('draft:anna:*')).length, others)
    assert.ok(answered > 100, `${answered} other calls were answered`)
    assert.equal(store.degraded, false)
  })

  it('are removed in small pieces, without KEYS', async () => {
    const calls = await callsByCommand(plain)
    assert.ok((calls['scan'] ?? 0) >= count / 1_000, `${calls['scan']} times SCAN`)
    assert.ok((calls['unlink'] ?? 0) >= count / 1_000, `${calls['unlink']} times UNLINK`)
    for (const name of ['keys', 'del', 'flushdb', 'flushall', 'eval', 'evalsha'])
      assert.equal(calls[name], undefined, name)
  })

  it(`leave no command of ours in Redis's slow log above ${slowestMs} ms`, async () => {
    assert.deepEqual(await slowOnes(plain), [])
  })
})

describe('100,000 keys under one pattern, on a Cluster', function () {
  this.timeout(120_000)
  const count = 100_000
  let cluster: RedisTestCluster
  let store: Store
  before(async () => {
    cluster = await startRedisCluster({ replicas: 0, args: slow })
    const plain = cluster.client()
    for (let from = 1; from <= count; from += 5_000)
      await Promise.all(
        Array.from({ length: 5_000 }, (_, at) => plain.set(`draft:ann:${from + at}`, '1')),
      )
    for (let at = 1; at <= others; at += 1) await plain.set(`draft:anna:${at}`, '1')
    store = createStore({ cluster: cluster.urls.map((url) => new URL(url).host), deadline: '1s' })
    assert.equal(await store.dbsize(), count + others)
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  it('are removed from every master, and nobody else’s', async () => {
    assert.equal(await store.deletePattern('draft:ann:*'), count)
    assert.equal((await store.keys('draft:anna:*')).length, others)
    assert.equal(await store.dbsize(), others)
    assert.equal(store.degraded, false)
  })

  it(`leave no command of ours in a slow log above ${slowestMs} ms`, async () => {
    for (const node of await cluster.masters()) assert.deepEqual(await slowOnes(node.client()), [])
  })
})

/** Sets keys with numbers after `prefix`, a few thousand a script: none of these is slow either. */
async function fill(plain: Redis, prefix: string, count: number): Promise<void> {
  const script = `for at = ARGV[2], ARGV[3] do redis.call('SET', ARGV[1] .. string.format('%d', at), '1') end`
  const step = 5_000
  for (let from = 1; from <= count; from += step)
    await plain.eval(script, 0, prefix, from, Math.min(from + step - 1, count))
}

type SlowEntry = [
  id: number,
  seconds: number,
  micros: number,
  args: string[],
  address: string,
  name: string,
]

/** What a store's connections had Redis do for longer than that, as Redis tells. */
async function slowOnes(plain: Redis): Promise<string[]> {
  const log = (await plain.slowlog('GET', 10_000)) as unknown as SlowEntry[]
  return log
    .filter(([, , micros, , , name]) => name.startsWith('memoryware') && micros > slowestMs * 1000)
    .map(([, , micros, args]) => `${args.slice(0, 4).join(' ')}: ${micros / 1000} ms`)
}

async function callsByCommand(plain: Redis): Promise<Record<string, number>> {
  const text = await plain.info('commandstats')
  const calls = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
  return Object.fromEntries(calls.map(([, name, number]) => [name, Number(number)]))
}
