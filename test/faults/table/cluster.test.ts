import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { before, describe, it } from 'mocha'
import type { ClusterNode } from '../../support/cluster-view.ts'
import { startFaultApp } from '../../support/fault-processes.ts'
import { type Counts, countTogether, type Strike } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'
import type { ListPeerOptions } from '../../support/list-peer.ts'
import { type RedisTestCluster, startRedisCluster } from '../../support/redis-cluster.ts'

const runs = 5
const failoverMs = 6000
const listPeer = new URL('../../support/list-peer.ts', import.meta.url)

interface Fault {
  readonly name: string
  strikeAt(victim: ClusterNode): Strike
  mend(victim: ClusterNode): unknown
  readonly backMs: number
  /** What ioredis does as it comes. */
  readonly peer: (counts: Counts) => boolean
}

const faults: readonly Fault[] = [
  {
    name: 'kill -9 of a master of a Cluster',
    strikeAt: (victim) => ({
      strike: () => victim.kill(),
      clear: () => {},
      forMs: 0,
      watchMs: failoverMs + 1000,
    }),
    mend: (victim) => victim.restart(),
    backMs: failoverMs,
    peer: ({ hung, failed }) => hung + failed > 0,
  },
  {
    name: 'SIGSTOP of a master of a Cluster, 6 s',
    strikeAt: (victim) => ({
      strike: () => victim.freeze(),
      clear: () => victim.thaw(),
      forMs: failoverMs,
    }),
    mend: () => {},
    // Its slots are another's long before it goes on, and stay so.
    backMs: 0,
    peer: ({ hung }) => hung > 0,
  },
]

describe('a master of a Cluster that goes, five times', function () {
  this.timeout(180_000)
  let counted: ReadonlyMap<string, readonly (readonly Counts[])[]>

  // Side by side: most of the time they wait for the Cluster.
  before(async () => {
    const all = faults.map(async (fault) => [fault.name, await strikeOften(fault)] as const)
    counted = new Map(await Promise.all(all))
  })

  for (const { name, backMs, peer } of faults) {
    it(`loses nothing and doubles nothing, and is replaced within 6 s: ${name}`, () => {
      const rows = counted.get(name) ?? []
      assert.equal(rows.length, runs)
      for (const [at, [express, koa, ioredis]] of rows.entries()) {
        assert.ok(express && koa && ioredis)
        for (const [who, counts] of Object.entries({ express, koa, ioredis }))
          tell(name, `${who}, run ${at + 1}`, counts)
        for (const counts of [express, koa]) {
          assert.ok(counts.degraded > 0, 'nobody noticed')
          holds(counts, { backMs })
        }
        assert.ok(peer(ioredis), JSON.stringify(ioredis))
      }
    })
  }
})

async function strikeOften({ strikeAt, mend }: Fault): Promise<readonly (readonly Counts[])[]> {
  const cluster = await startRedisCluster()
  const apps = await Promise.all([...ours(cluster), ioredis({ cluster: cluster.urls })])
  const counted: (readonly Counts[])[] = []
  try {
    for (let run = 0; run < runs; run += 1) {
      await cluster.settled()
      const victim = (await cluster.masters())[run % 3]
      assert.ok(victim)
      counted.push(await countTogether(apps, strikeAt(victim)))
      await mend(victim)
    }
  } finally {
    await Promise.all(apps.map((app) => app.stop('SIGKILL')))
    await cluster.stop()
  }
  return counted
}

describe('slots of a Cluster that move under load', function () {
  this.timeout(60_000)

  it('are read without an error, and nothing is lost or doubled', async () => {
    const name = 'slots of a Cluster move'
    const cluster = await startRedisCluster()
    const peer = ioredis({ cluster: cluster.urls, enableAutoPipelining: true })
    const apps = await Promise.all([...ours(cluster), peer])
    try {
      const readers = await Promise.all(apps.slice(0, 2).map(readAlong))
      const [express, koa, piped] = await countTogether(apps, {
        // Those with the most keys first: of all who speak and read.
        strike: () => cluster.moveSlots(40, { batch: 1, between: () => sleep(5) }),
        clear: () => {},
        forMs: 0,
      })
      assert.ok(express && koa && piped)
      for (const [who, counts] of Object.entries({
        express,
        koa,
        'ioredis, autopipelining': piped,
      }))
        tell(name, who, counts)
      for (const counts of [express, koa]) holds(counts)
      for (const reader of readers) assert.deepEqual(await reader.stop(), [])
      assert.ok(piped.failed > 0, JSON.stringify(piped))
    } finally {
      await Promise.all(apps.map((app) => app.stop('SIGKILL')))
      await cluster.stop()
    }
  })
})

function ours({ urls: cluster }: RedisTestCluster): Promise<ForkedApp>[] {
  return (['express', 'koa'] as const).map((framework) =>
    startFaultApp({ framework, store: { cluster } }),
  )
}

function ioredis(options: ListPeerOptions): Promise<ForkedApp> {
  return forkApp(listPeer, [JSON.stringify(options)])
}

/** Lets ten users say something, and read it again and again; gives what was answered else. */
async function readAlong({ url }: ForkedApp): Promise<{ stop(): Promise<readonly string[]> }> {
  const users = Array.from({ length: 10 }, (_, at) => `reader-${at}`)
  const ask = async (user: string, query: string) => {
    const reply = await fetch(`${url}/?${query}`, { headers: { 'x-user': user } })
    return `${reply.status} ${await reply.text()}`
  }
  for (const user of users) await ask(user, `say=${user}`)
  const wrong: string[] = []
  let count = 0
  let reading = Promise.resolve()
  const timer = setInterval(() => {
    count += 1
    const user = users[count % users.length] ?? ''
    const answered = ask(user, `read=${count}`).then((answer) => {
      if (answer !== `200 ["${user}"]`) wrong.push(`${user}: ${answer}`)
    })
    reading = Promise.all([reading, answered]).then(() => {})
  }, 20)
  return {
    async stop() {
      clearInterval(timer)
      await reading
      assert.ok(count > 50, `${count} reads`)
      return wrong
    },
  }
}
