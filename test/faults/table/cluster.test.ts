import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { startFaultApp } from '../../support/fault-processes.ts'
import { countTogether } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'
import type { ListPeerOptions } from '../../support/list-peer.ts'
import { type RedisTestCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { type FaultPlace, rowsOfGoing } from '../../support/server-faults.ts'

const listPeer = new URL('../../support/list-peer.ts', import.meta.url)

rowsOfGoing('a master of a Cluster', placed, ({ hung }) => hung > 0)

async function placed(): Promise<FaultPlace> {
  const cluster = await startRedisCluster()
  const apps = await Promise.all([...ours(cluster), ioredis({ cluster: cluster.urls })])
  return {
    apps,
    async victim(run) {
      await cluster.settled()
      const masters = await cluster.masters()
      const victim = masters[run % masters.length]
      assert.ok(victim)
      return victim
    },
    stop: cluster.stop,
  }
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
        strike: () => cluster.moveSlots(60, { batch: 1, between: () => sleep(5) }),
        clear: () => {},
        forMs: 0,
        everyMs: 50,
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
  }, 100)
  return {
    async stop() {
      clearInterval(timer)
      await reading
      assert.ok(count > 20, `${count} reads`)
      return wrong
    },
  }
}
