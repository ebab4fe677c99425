import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore, escapePattern, type Store } from '../../lib/index.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

describe('a store on a Redis Cluster', () => {
  let cluster: RedisTestCluster
  let store: Store
  before(async function () {
    this.timeout(60_000)
    cluster = await startRedisCluster({ password: 'pw' })
    store = createStore({ cluster: cluster.urls.map(bare), password: 'pw', deadline: '1s' })
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  /** The address without the password, which stands beside it. */
  function bare(url: string): string {
    return new URL(url).host
  }

  it('takes keys of all slots in one call', async () => {
    const keys = Array.from({ length: 40 }, (_, at) => `key-${at}`)
    await store.mset(Object.fromEntries(keys.map((key, at) => [key, at])), { ttl: '1m' })
    const owners = new Set(await Promise.all(keys.map((key) => cluster.ownerOf(key))))
    assert.equal(owners.size, 3)
    assert.deepEqual(
      await store.mget(keys),
      keys.map((_, at) => at),
    )
    assert.equal(await store.exists(...keys, 'absent'), 40)
    assert.equal(await store.delete(...keys, 'absent'), 40)
    assert.equal(await store.exists(...keys), 0)
  })

  it('sends a pipeline to every node, and gives the results in order', async () => {
    const results = await store
      .pipeline()
      .set('a', 1, { ttl: '1m' })
      .set('b', 2)
      .incr('c', 3)
      .get<number>('a')
      .exists('a', 'b', 'c', 'absent')
      .delete('a', 'b', 'c')
      .get('a')
      .exec()
    assert.deepEqual(results, [undefined, undefined, 3, 1, 3, 3, undefined])
  })

  it('finds and removes keys by pattern on every master', async () => {
    const ids = Array.from({ length: 60 }, (_, at) => `u${at}`)
    for (const id of ['*', '{x}', ...ids]) await store.set(`page:${id}:1`, id)
    assert.equal((await store.keys('page:*')).length, 62)
    assert.equal(await store.deletePattern(`page:${escapePattern('*')}:*`), 1)
    assert.equal(await store.deletePattern('page:{x}:*'), 1)
    assert.equal(await store.deletePattern('page:*'), 60)
    assert.deepEqual(await store.keys('page:*'), [])
  })

  it('looks into every master', async () => {
    await store.mset(Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`k${at}`, at])))
    const { nodes, keys, clients } = await store.info()
    const masters = (await cluster.masters()).map(({ host, port }) => `${host}:${port}`)
    assert.deepEqual(nodes.map(({ address }) => address).sort(), masters.sort())
    assert.ok(nodes.every((node) => node.keys > 0))
    assert.equal(await store.dbsize(), keys)
    assert.ok(clients.connected >= 3)
    assert.ok(((await store.size('k1')) ?? 0) > 0)
    await store.deletePattern('k*')
  })

  it('merges the slow logs of all masters, without arguments', async () => {
    for (const node of await cluster.masters())
      await node.client().config('SET', 'slowlog-log-slower-than', '0')
    for (let at = 0; at < 20; at++) await store.set(`slow-${at}`, 'secret-canary')
    const slow = await store.slowlog(500)
    for (const node of await cluster.masters())
      await node.client().config('SET', 'slowlog-log-slower-than', '10000')
    assert.equal(new Set(slow.map(({ address }) => address)).size, 3)
    assert.ok(slow.some(({ command }) => command === 'SET'))
    assert.doesNotMatch(JSON.stringify(slow), /canary/)
    assert.equal((await store.slowlog(2)).length, 2)
  })

  it('gives back what was charged on other slots, each time a charge is refused', async () => {
    const room = { windowMs: 60_000, cost: 1 }
    const charges = [
      { ...room, key: 'limit:{user~a}:few', algorithm: 'sliding', limit: 20 },
      { ...room, key: 'limit:{user~b}:many', algorithm: 'sliding', limit: 500 },
      { ...room, key: 'limit:{user~c}:fixed', algorithm: 'fixed', limit: 500 },
      { ...room, key: 'limit:{global}:none', algorithm: 'sliding', limit: 1 },
    ] as const
    const owners = await Promise.all(charges.map(({ key }) => cluster.ownerOf(key)))
    assert.ok(new Set(owners).size > 1)
    const [first] = [await store.budgets.charge(charges)]
    assert.ok(first.every(({ allowed }) => allowed))
    for (let attempt = 0; attempt < 300; attempt++) {
      const budgets = await store.budgets.charge(charges)
      assert.deepEqual(
        budgets.map(({ allowed, used }) => [allowed, used]),
        [
          [true, 1],
          [true, 1],
          [true, 1],
          [false, 1],
        ],
      )
    }
    const looked = await store.budgets.charge(charges.map((each) => ({ ...each, cost: 0 })))
    assert.deepEqual(
      looked.map(({ used }) => used),
      [1, 1, 1, 1],
    )
  })

  it('passes messages on between processes that are on different nodes', async () => {
    const stores = cluster.urls
      .slice(0, 3)
      .map((url) => createStore({ cluster: [bare(url)], password: 'pw', deadline: '1s' }))
    const heard: string[] = []
    const leaves = await Promise.all(
      stores.map((each, at) => each.subscribe('news', (said) => heard.push(`${at} ${said}`))),
    )
    await new Promise((done) => setTimeout(done, 200))
    for (const each of stores) await each.publish('news', 'hello')
    const lateAt = performance.now() + 5000
    while (heard.length < 9 && performance.now() < lateAt)
      await new Promise((done) => setTimeout(done, 10))
    assert.deepEqual(
      heard.sort(),
      [0, 0, 0, 1, 1, 1, 2, 2, 2].map((at) => `${at} hello`),
    )
    for (const leave of leaves) await leave()
    for (const each of stores) await each.close()
  })

  it('uses a client handed in, under its key prefix, and leaves it open', async () => {
    const client = cluster.client({ keyPrefix: 'mine:', redisOptions: { socketTimeout: 1000 } })
    const own = createStore({ client, prefix: 'ours:', deadline: '1s' })
    await own.mset({ a: 1, b: 2, c: 3 })
    assert.deepEqual(await own.mget(['a', 'b', 'c']), [1, 2, 3])
    assert.deepEqual((await own.keys('*')).sort(), ['a', 'b', 'c'])
    assert.deepEqual(
      (await store.keys('mine:*')).sort(),
      ['a', 'b', 'c'].map((k) => `mine:ours:${k}`),
    )
    const leave = await own.subscribe('channel', () => {})
    await leave()
    assert.equal(await own.deletePattern('*'), 3)
    await own.close()
    assert.equal(await client.set('still', 'open'), 'OK')
    await client.del('still')
  })

  it('has connections by purpose where it is told to', async () => {
    const own = createStore({
      cluster: cluster.urls.map(bare),
      password: 'pw',
      pool: { commands: 2, bodies: 1, scans: 1 },
      deadline: '1s',
    })
    const values = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`p${at}`, at]))
    await own.mset(values)
    assert.deepEqual(await own.mget(Object.keys(values)), Object.values(values))
    assert.equal(await own.deletePattern('p*'), 50)
    await own.close()
  })

  it('says what a wrong password means', async () => {
    const notices: string[] = []
    const listen = (warning: Error & { code?: string }) =>
      notices.push(`${warning.code} ${warning.message}`)
    process.on('warning', listen)
    const refused = createStore({ cluster: cluster.urls.map(bare), password: 'wrong-canary' })
    await assert.rejects(refused.get('a'), { code: 'ERR_STORE' })
    await new Promise((done) => setTimeout(done, 300))
    process.off('warning', listen)
    await refused.close()
    assert.ok(
      notices.some((text) => /MEMORYWARE_REDIS_REFUSES.*WRONGPASS/.test(text)),
      `${notices}`,
    )
    assert.doesNotMatch(notices.join(), /canary/)
  })
})

describe('a store on a Redis Cluster that has lost a master for good', function () {
  this.timeout(60_000)
  let cluster: RedisTestCluster
  let store: Store
  before(async () => {
    cluster = await startRedisCluster({ replicas: 0 })
    store = createStore({ cluster: cluster.urls })
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  it('goes on with the keys of the others, and never takes what they have for everything', async () => {
    const keys = Array.from({ length: 60 }, (_, at) => `key-${at}`)
    await store.mset(Object.fromEntries(keys.map((key) => [key, key])))
    const [victim] = await cluster.masters()
    const owners = await Promise.all(keys.map((key) => cluster.ownerOf(key)))
    const others = keys.filter((_, at) => owners[at] !== victim)
    const lost = keys.find((_, at) => owners[at] === victim) ?? ''
    await victim?.kill()
    const away = { name: 'StoreError', code: 'ERR_STORE' }
    for (let attempt = 0; attempt < 8; attempt++) await assert.rejects(store.get(lost), away)
    assert.equal(store.degraded, true)
    for (const key of others) assert.equal(await store.get(key), key)
    assert.deepEqual(await store.mget(others), others)
    await assert.rejects(store.mget(keys), away)
    for (const all of [
      () => store.keys('*'),
      () => store.deletePattern('key-*'),
      () => store.dbsize(),
      () => store.info(),
    ])
      await assert.rejects(all, away)
    await victim?.restart()
    await cluster.settled()
    await new Promise((done) => setTimeout(done, 2000))
    assert.equal((await store.keys('key-*')).length, others.length)
    await store.set(lost, 'anew')
    assert.equal(await store.get(lost), 'anew')
    assert.equal(store.degraded, false)
  })
})

describe('createStore for several servers', () => {
  for (const [fault, options, message] of [
    ['no nodes', { cluster: [] }, /`cluster` must be a list of addresses such as host:6379/],
    ['nodes that are text', { cluster: 'h:1' }, /`cluster` must be a list of addresses/],
    [
      'a password in a node',
      { cluster: ['redis://u:canary@h:1'] },
      /without user, password and database, got "redis:\/\/…@h:1"/,
    ],
    ['a database of a Cluster', { cluster: ['h'], db: 1 }, /`db` must be absent where `cluster`/],
    [
      'a Cluster and a host',
      { cluster: ['h'], host: 'x' },
      /`host` must be absent where `cluster`/,
    ],
    [
      'a Cluster and Sentinels',
      { cluster: ['h'], sentinels: { nodes: ['s'] } },
      /`sentinels` must be absent where `cluster`/,
    ],
    [
      'a misspelt option of Sentinels',
      { sentinels: { nodes: ['s'], nam: 'x' } },
      /`sentinels.nam` must be one of nodes, name/,
    ],
    ['Sentinels without nodes', { sentinels: {} }, /`sentinels.nodes` must be a list/],
    [
      'Sentinels and a URL',
      { sentinels: { nodes: ['s'] }, url: 'redis://h' },
      /`url` must be absent/,
    ],
    ['a misspelt purpose', { host: 'h', pool: { command: 2 } }, /`pool.command` must be one of/],
    [
      'no connection',
      { host: 'h', pool: { commands: 0 } },
      /`pool.commands` must be a whole number/,
    ],
    ['TLS that is text', { host: 'h', tls: 'yes' }, /`tls` must be true or options/],
    ['no bytes', { host: 'h', maxValueBytes: 0 }, /`maxValueBytes` must be a whole number/],
    ['a pool without Redis', { provider: 'embedded', pool: {} }, /`pool` must be absent without/],
  ] as const) {
    it(`refuses ${fault}, naming option, expectation and value`, () => {
      assert.throws(() => createStore(options as never), message)
    })
  }
})
