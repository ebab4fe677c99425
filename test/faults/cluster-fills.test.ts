import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import { claim, ear, finish, follow, lead, minuteMs, pieces, seen } from '../../contract/filling.ts'
import { createStore, type Provider, type Store } from '../../lib/index.ts'
import { purgeKey } from '../../lib/keys.ts'
import type { FillPlace } from '../../lib/ports/fills.ts'
import type { ClusterNode } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

const page = {
  vary: [],
  variant: '',
  entry: { head: Buffer.from('h'), body: Buffer.from('b') },
  ttlMs: minuteMs,
  maxVariants: 4,
}

/** Asks until there is an answer: while one key of a slot has moved and another has not, there is none. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const { answer } = await eventually('there is an answer', async () => ({ answer: await ask() }))
  return answer
}

describe('purges and fills on a Redis Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisTestCluster
  let masters: readonly ClusterNode[]
  let store: Store
  // What facts of the contract use of a provider, a store has.
  const open = () => store as unknown as Provider
  let named = 0
  before(async () => {
    cluster = await startRedisCluster({ replicas: 0 })
    masters = await cluster.masters()
    store = createStore({ cluster: cluster.urls, deadline: '1s' })
    await eventually('the Cluster is there', () => store.get('any').then(() => true))
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  /** A name whose key is on a master. */
  async function on(master: ClusterNode | undefined, keyOf: (name: string) => string) {
    for (;;) {
      named += 1
      const name = `name-${named}`
      if ((await cluster.ownerOf(keyOf(name))) === master) return name
    }
  }

  const markOn = (master: ClusterNode | undefined) => on(master, purgeKey)
  const resourceOn = async (master: ClusterNode | undefined): Promise<FillPlace> => {
    const keyOf = (name: string) => `cache:{${name}}`
    return { key: keyOf(await on(master, keyOf)), variant: '' }
  }

  it('are read together, on whichever nodes they are', async () => {
    const { key } = await resourceOn(masters[0])
    const marks = await Promise.all(masters.map(markOn))
    await store.entries.keep(key, page)
    await store.entries.purge(marks.slice(1), false)
    const { entry, purges } = await store.entries.find(key, '', marks)
    assert.ok(entry)
    assert.deepEqual(
      purges.map(({ hard }) => hard > 0),
      [false, true, true],
    )
    assert.deepEqual(await store.entries.purges(marks), purges)
  })

  it('hit what another node began to make half a second later by its clock', async () => {
    const marks = await Promise.all(masters.map(markOn))
    for (const master of masters) {
      const { since } = await store.fills.claim(await resourceOn(master), claim())
      const clock = await store.entries.clock()
      await store.entries.purge(marks, false)
      for (const { hard } of await store.entries.purges(marks))
        for (const at of [since, clock]) assert.ok(hard - at > 400_000, `${hard} ${at}`)
    }
  })

  it('go on while their slots move', async () => {
    const [from, to] = masters
    assert.ok(to)
    const at = await resourceOn(from)
    const mark = await markOn(from)
    const token = await lead(open, at)
    await follow(open, at)
    await store.entries.purge([mark], false)
    const purged = await store.entries.purges([mark])
    const listener = ear()
    const leave = await store.fills.watch(at, token, listener)
    let last = 0
    const step = async () => {
      last += 1
      const told = [
        await patiently(() => store.fills.write(at, token, pieces(last), minuteMs)),
        await patiently(() => store.fills.renew(at, token, minuteMs)),
        (await patiently(() => store.fills.claim(at, claim()))).kind,
        (await patiently(() => store.entries.find(at.key, '', [mark]))).purges,
      ]
      assert.deepEqual(told, [true, 'watched', 'held', purged])
    }
    await step()
    let moving = true
    const stepping = (async () => {
      while (moving) await step()
    })()
    for (const key of [at.key, purgeKey(mark)])
      await cluster.reshard(await cluster.slotOf(key), to, { batch: 1, between: () => sleep(20) })
    moving = false
    await stepping
    await step()
    const own = { ...page, fill: { variant: '', token } }
    assert.equal(await store.entries.keep(at.key, own), true)
    await finish(open, at, token)
    const all = Array.from({ length: last }, (_, number) => `${number + 1} up to ${number + 1}`)
    assert.deepEqual(await seen(open, at, token), ['kept', ...all])
    await eventually('the end is heard', async () => listener.heard.includes('kept') || undefined)
    // While a slot moves, messages come by two nodes: each piece has its number for that.
    assert.deepEqual(new Set(listener.heard), new Set([...all, 'kept']))
    await leave()
  })

  it('are not told wrongly while the node of a mark is away, and take nothing from the others', async () => {
    const [first, second, third] = masters
    assert.ok(third)
    const { key } = await resourceOn(first)
    const [near, far] = [await markOn(second), await markOn(third)]
    const at = await resourceOn(second)
    await store.entries.keep(key, page)
    await third.kill()
    for (let attempt = 0; attempt < 7; attempt += 1) {
      await assert.rejects(store.entries.find(key, '', [near, far]), { name: 'StoreError' })
      await assert.rejects(store.entries.purge([far], false), { name: 'StoreError' })
      await assert.rejects(store.entries.purge([near, far], false), { name: 'StoreError' })
    }
    assert.ok((await store.entries.find(key, '', [])).entry)
    await store.entries.purge([near], false)
    await finish(open, at, await lead(open, at))
    await third.restart()
    await eventually('the marks are there again', () =>
      store.entries.find(key, '', [near, far]).then(() => true),
    )
  })
})
