import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { after, before, describe, it } from 'mocha'
import type { ClusterNode } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { assertGone } from '../support/gone.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

const keys = (tag: string, count: number) =>
  Array.from({ length: count }, (_, index) => `{${tag}}:${index}`)

describe('startRedisCluster', function () {
  this.timeout(60_000)
  let cluster: RedisTestCluster
  before(async () => {
    cluster = await startRedisCluster()
  })
  after(() => cluster.stop())

  it('has three masters, each with a replica of its own', async () => {
    const masters = await cluster.masters()
    assert.deepEqual(await Promise.all(masters.map((node) => node.role())), Array(3).fill('master'))
    const replicas = await Promise.all(masters.map((master) => cluster.replicas(master)))
    assert.deepEqual(
      replicas.map(({ length }) => length),
      [1, 1, 1],
    )
    assert.equal((await cluster.replicas()).length, 3)
    assert.equal(new Set(cluster.urls).size, 6)
  })

  it('keeps a key on the node that owns its slot, and on no other', async () => {
    await cluster.client().set('kept', 'here')
    const owner = await cluster.ownerOf('kept')
    assert.equal(owner, await cluster.ownerOf(await cluster.slotOf('kept')))
    assert.equal(await owner.client().get('kept'), 'here')
    const other = await otherMaster(cluster, owner)
    await assert.rejects(other.client().get('kept'), new RegExp(`MOVED .*:${owner.port}`))
  })

  it('moves a slot under your eyes: what has gone is asked for elsewhere', async () => {
    const client = cluster.client()
    const names = keys('moving', 25)
    for (const name of names) await client.set(name, name)
    const from = await cluster.ownerOf('{moving}')
    const to = await otherMaster(cluster, from)
    const look = from.client()
    const answers: string[] = []
    const absent: string[] = []
    await cluster.reshard(await cluster.slotOf('{moving}'), to, {
      batch: 10,
      async between() {
        answers.push(await countAnswers(look, names))
        absent.push((await look.get('{moving}:never').catch(wordOf)) ?? 'nothing')
        for (const name of names) assert.equal(await client.get(name), name)
      },
    })
    assert.deepEqual(answers, ['25 here', '15 here', '5 here', '0 here'])
    assert.deepEqual(absent, Array(4).fill('ASK'))
    assert.equal(await cluster.ownerOf('{moving}'), to)
    assert.equal(await look.get('{moving}:0').catch(wordOf), 'MOVED')
    assert.deepEqual(await client.mget(names), names)
  })

  it('moves many slots under load, and no write that was answered is lost', async () => {
    const client = cluster.client()
    const names = keys('', 30).map((_, index) => `load:${index}`)
    for (const name of names) await client.set(name, 0)
    let moving = true
    const write = async (name: string) => {
      for (let count = 1; moving; count += 1) assert.equal(await client.incr(name), count)
    }
    const writers = Promise.all(names.map(write))
    const moved = await cluster.moveSlots(60)
    moving = false
    await writers
    assert.equal(new Set(moved).size, 60)
    const slots = await Promise.all(names.map((name) => cluster.slotOf(name)))
    for (const slot of slots) assert.ok(moved.includes(slot), `slot ${slot} has not moved`)
  })

  it('lets a replica take the place of its master', async () => {
    const master = await cluster.ownerOf('kept')
    const [replica] = await cluster.replicas(master)
    assert.ok(replica)
    await cluster.promote(replica)
    assert.equal(await cluster.ownerOf('kept'), replica)
    assert.deepEqual(await cluster.replicas(replica), [master])
  })

  it('goes on with the replica of a master that was killed, who comes back as replica', async () => {
    const master = await cluster.ownerOf('kept')
    const [replica] = await cluster.replicas(master)
    await master.kill()
    await cluster.settled()
    assert.equal(await cluster.ownerOf('kept'), replica)
    assert.equal(await cluster.client().get('kept'), 'here')
    assert.equal((await cluster.replicas()).length, 2)
    await master.restart()
    await cluster.settled()
    assert.equal(await master.role(), 'replica')
    assert.equal((await cluster.replicas()).length, 3)
  })

  it('goes on without a master that is frozen, until it thaws', async () => {
    const master = await cluster.ownerOf('kept')
    const [replica] = await cluster.replicas(master)
    master.freeze()
    await cluster.settled()
    assert.equal(await cluster.ownerOf('kept'), replica)
    master.thaw()
    await eventually('the old master follows', async () =>
      (await master.role()) === 'replica' ? true : undefined,
    )
    await cluster.settled()
    assert.equal((await cluster.replicas()).length, 3)
  })
})

describe('startRedisCluster with a password and without replicas', function () {
  this.timeout(60_000)
  let cluster: RedisTestCluster
  before(async () => {
    cluster = await startRedisCluster({ password: 'pa ss', masters: 2, replicas: 0 })
  })
  after(() => cluster.stop())

  it('wants the password on every node', async () => {
    for (const node of cluster.nodes) {
      const open = node.client({ password: '', enableReadyCheck: false })
      await assert.rejects(open.ping(), /NOAUTH/)
    }
  })

  it('moves slots with it', async () => {
    const client = cluster.client()
    await client.set('kept', 'here')
    const from = await cluster.ownerOf('kept')
    const to = await otherMaster(cluster, from)
    await cluster.reshard(await cluster.slotOf('kept'), to)
    assert.equal(await client.get('kept'), 'here')
    assert.equal(await cluster.ownerOf('kept'), to)
  })

  it('is gone after stop(), also when one is frozen and one was killed', async () => {
    const [first, second] = cluster.nodes
    first?.freeze()
    await second?.kill()
    await cluster.stop()
    for (const node of cluster.nodes) await assertGone(node)
  })

  it('is gone when a process exits that forgot it', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...['--import', 'tsx', '--input-type=module', '--eval'],
      `import { startRedisCluster } from ${JSON.stringify(new URL('../support/redis-cluster.ts', import.meta.url).href)}
       const { nodes } = await startRedisCluster({ masters: 1 })
       console.log(JSON.stringify(nodes.map(({ pid, path }) => ({ pid, path }))))
       process.exit(0)`,
    ])
    const nodes: { pid: number; path: string }[] = JSON.parse(stdout)
    assert.equal(nodes.length, 2)
    for (const node of nodes) await assertGone(node)
  })
})

async function otherMaster(cluster: RedisTestCluster, than: ClusterNode): Promise<ClusterNode> {
  const other = (await cluster.masters()).find((master) => master !== than)
  assert.ok(other)
  return other
}

async function countAnswers(
  client: { get(key: string): Promise<string | null> },
  names: readonly string[],
): Promise<string> {
  const answers = await Promise.all(names.map((name) => client.get(name).catch(wordOf)))
  return `${answers.filter((answer, index) => answer === names[index]).length} here`
}

function wordOf(error: Error): string {
  return error.message.split(' ')[0] ?? ''
}
