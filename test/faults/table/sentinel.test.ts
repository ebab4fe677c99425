import assert from 'node:assert/strict'
import { before, describe, it } from 'mocha'
import { startFaultApp } from '../../support/fault-processes.ts'
import { type Counts, countTogether, type Strike } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'
import type { ListPeerOptions } from '../../support/list-peer.ts'
import type { TestServer } from '../../support/redis.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../../support/redis-sentinel.ts'

const runs = 5
const failoverMs = 6000
const listPeer = new URL('../../support/list-peer.ts', import.meta.url)

interface Fault {
  readonly name: string
  strikeAt(master: TestServer): Strike
  mend(master: TestServer): unknown
  readonly backMs: number
  /** What ioredis does as it comes. */
  readonly peer: (counts: Counts) => boolean
}

const faults: readonly Fault[] = [
  {
    name: 'kill -9 of the master behind Sentinels',
    strikeAt: (master) => ({
      strike: () => master.kill(),
      clear: () => {},
      forMs: 0,
      watchMs: failoverMs + 1000,
    }),
    mend: (master) => master.restart(),
    backMs: failoverMs,
    peer: ({ hung, failed }) => hung + failed > 0,
  },
  {
    name: 'SIGSTOP of the master behind Sentinels, 6 s',
    strikeAt: (master) => ({
      strike: () => master.freeze(),
      clear: () => master.thaw(),
      forMs: failoverMs,
    }),
    mend: () => {},
    // It is another's turn long before the first goes on, and stays so.
    backMs: 0,
    peer: ({ hung, lost }) => hung > 0 && lost > 0,
  },
]

describe('a master behind Sentinels that goes, five times', function () {
  this.timeout(180_000)
  let counted: ReadonlyMap<string, readonly (readonly Counts[])[]>

  // Side by side: most of the time they wait for the Sentinels.
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
  const sentinel = await startRedisSentinel()
  const apps = await appsOn(sentinel)
  const counted: (readonly Counts[])[] = []
  try {
    for (let run = 0; run < runs; run += 1) {
      await sentinel.settled()
      const master = await sentinel.master()
      counted.push(await countTogether(apps, strikeAt(master)))
      await mend(master)
    }
  } finally {
    await Promise.all(apps.map((app) => app.stop('SIGKILL')))
    await sentinel.stop()
  }
  return counted
}

/** On Express, on Koa, and a peer. */
function appsOn({ sentinels: nodes, name }: RedisTestSentinel): Promise<ForkedApp[]> {
  const sentinels = { nodes, name }
  const options: ListPeerOptions = { sentinels }
  return Promise.all([
    startFaultApp({ framework: 'express', store: { sentinels } }),
    startFaultApp({ framework: 'koa', store: { sentinels } }),
    forkApp(listPeer, [JSON.stringify(options)]),
  ])
}
