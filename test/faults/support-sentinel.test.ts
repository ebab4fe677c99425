import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { assertGone } from '../support/gone.ts'
import type { TestServer } from '../support/redis.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../support/redis-sentinel.ts'

describe('startRedisSentinel', function () {
  this.timeout(90_000)
  let sentinel: RedisTestSentinel
  before(async () => {
    sentinel = await startRedisSentinel()
  })
  after(() => sentinel.stop())

  it('has a master and a replica in sync, and three sentinels that know each other', async () => {
    const master = await sentinel.master()
    assert.equal(master, sentinel.servers[0])
    const [role, , replicas] = (await master.client().role()) as unknown[]
    assert.deepEqual([role, (replicas as unknown[]).length], ['master', 1])
    assert.equal(new Set(sentinel.sentinels).size, 3)
    const told = await Promise.all(
      sentinel.watchers.map((watcher) =>
        watcher.client().call('SENTINEL', 'CKQUORUM', sentinel.name),
      ),
    )
    for (const answer of told) assert.match(`${answer}`, /^OK 3 usable Sentinels/)
  })

  it('gives a client that finds the master, whoever it is', async () => {
    const client = sentinel.client()
    await client.set('kept', 'here')
    const before = await sentinel.master()
    const now = await sentinel.failover()
    assert.notEqual(now, before)
    assert.equal(now, await sentinel.master())
    assert.equal(await client.set('more', 'there'), 'OK')
    assert.equal(await now.client().get('more'), 'there')
    assert.equal(await now.client().get('kept'), 'here')
    assert.equal(await roleOf(before), 'slave')
  })

  it('has the replica follow a master that was killed, who comes back as replica', async () => {
    const before = await sentinel.master()
    await before.kill()
    await sentinel.settled()
    const now = await sentinel.master()
    assert.notEqual(now, before)
    assert.equal(await sentinel.client().get('kept'), 'here')
    await before.restart()
    // It begins as master, until the sentinels have seen it.
    const follows = async () => (await roleOf(before)) === 'slave' || undefined
    await eventually('it follows', follows, { withinMs: 50_000 })
    await sentinel.settled()
    assert.equal(await sentinel.master(), now)
  })

  it('fails over with two sentinels of three', async () => {
    const [watcher] = sentinel.watchers
    const before = await sentinel.master()
    await watcher?.kill()
    await before.kill()
    await sentinel.settled()
    assert.notEqual(await sentinel.master(), before)
    await Promise.all([watcher?.restart(), before.restart()])
    await sentinel.settled()
  })
})

describe('startRedisSentinel with passwords', function () {
  this.timeout(60_000)
  let sentinel: RedisTestSentinel
  before(async () => {
    sentinel = await startRedisSentinel({ password: 'secret', sentinelPassword: 'other' })
  })
  after(() => sentinel.stop())

  it('wants one of the servers and one of the sentinels', async () => {
    for (const server of [...sentinel.servers, ...sentinel.watchers]) {
      const open = server.client({ password: '', enableReadyCheck: false })
      await assert.rejects(open.ping(), /NOAUTH/)
    }
  })

  it('fails over with them', async () => {
    const now = await sentinel.failover()
    assert.equal(await sentinel.client().set('a', '1'), 'OK')
    assert.equal(await now.client().get('a'), '1')
  })

  it('is gone after stop(), also when one is frozen', async () => {
    const all = [...sentinel.servers, ...sentinel.watchers]
    all[0]?.freeze()
    await sentinel.stop()
    for (const server of all) await assertGone(server)
  })
})

async function roleOf(server: TestServer): Promise<unknown> {
  return (await server.client().role())[0]
}
