import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { countKept } from '../../support/fault-kept.ts'
import { type FaultLoad, type Outcome, startFaultLoad } from '../../support/fault-load.ts'
import { startFaultApp } from '../../support/fault-processes.ts'
import type { Counts } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'

const listPeer = new URL('../../support/list-peer.ts', import.meta.url)
const longestMs = 2000
/** A request that was sent so long before the signal has reached the app. */
const onItsWayMs = 50

/** How Redis is when the signal comes. */
interface Moment {
  readonly name: string
  before(server: TestServer): unknown
  /** In one step with the signal. */
  with(server: TestServer): void
  readonly peerEnds: boolean
  /** What is acknowledged, degraded or not, is all there. */
  readonly whole: boolean
}

const moments: readonly Moment[] = [
  { name: 'Redis is well', before: () => {}, with: () => {}, peerEnds: true, whole: true },
  {
    name: 'Redis freezes then',
    before: () => {},
    with: (server) => server.freeze(),
    peerEnds: false,
    whole: false,
  },
  {
    name: 'Redis is back then',
    async before(server) {
      server.freeze()
      await sleep(1500)
    },
    with: (server) => server.thaw(),
    peerEnds: true,
    whole: true,
  },
]

describe('an app that is ended by SIGTERM under load', function () {
  this.timeout(60_000)
  let server: TestServer
  let apps: Readonly<Record<'express' | 'koa' | 'ioredis', ForkedApp>>

  beforeEach(async () => {
    server = await startRedis()
    const { url } = server
    const [express, koa, ioredis] = await Promise.all([
      startFaultApp({ framework: 'express', store: { url } }),
      startFaultApp({ framework: 'koa', store: { url } }),
      forkApp(listPeer, [JSON.stringify({ url })]),
    ])
    apps = { express, koa, ioredis }
  })
  afterEach(async () => {
    await Promise.all(Object.values(apps).map((app) => app.stop('SIGKILL')))
    await server.stop()
  })

  for (const moment of moments) {
    it(`answers what is under way and ends in order within 2 s: ${moment.name}`, async () => {
      const loads = Object.entries(apps).map(([who, app]) => ({ who, app, load: loadOf(app) }))
      await sleep(500)
      await moment.before(server)
      moment.with(server)
      const ends = await Promise.all(loads.map(terminated))
      server.thaw()
      const next = await startFaultApp({ framework: 'express', store: { url: server.url } })
      for (const { who, outcomes, endedMs, code } of ends) {
        const counts = await countsOf(who === 'ioredis' ? undefined : next.url, outcomes, {
          endedMs,
          whole: moment.whole,
        })
        tell(`SIGTERM under load, back: it has ended; ${moment.name}`, who, counts)
        if (who === 'ioredis') assert.equal(code === 0, moment.peerEnds, `${code} ${endedMs} ms`)
        else {
          assert.equal(code, 0)
          holds(counts, { backMs: longestMs })
        }
      }
      await next.stop('SIGKILL')
    })
  }
})

function loadOf({ url }: ForkedApp): FaultLoad {
  return startFaultLoad(url, 10)
}

interface Ended {
  readonly who: string
  /** Of requests that were sent before the signal. */
  readonly outcomes: readonly Outcome[]
  readonly endedMs: number
  /** Of the process; undefined where it had to be killed. */
  readonly code: unknown
}

async function terminated({
  who,
  app,
  load,
}: {
  who: string
  app: ForkedApp
  load: FaultLoad
}): Promise<Ended> {
  const exited = once(app.child, 'exit')
  const toldAt = performance.now()
  app.child.kill('SIGTERM')
  const [code] = await Promise.race([exited, sleep(longestMs + 1000, [undefined], { ref: false })])
  const endedMs = Math.round(performance.now() - toldAt)
  await app.stop('SIGKILL')
  const outcomes = await load.stop()
  return { who, outcomes: outcomes.filter(({ at }) => at < toldAt - onItsWayMs), endedMs, code }
}

async function countsOf(
  url: string | undefined,
  outcomes: readonly Outcome[],
  { endedMs, whole }: { endedMs: number; whole: boolean },
): Promise<Counts> {
  const counted = outcomes.map((each) =>
    whole && each.acknowledged === 'kept' ? { ...each, acknowledged: 'stored' as const } : each,
  )
  const kept =
    url === undefined
      ? { lost: Number.NaN, doubled: Number.NaN, reordered: Number.NaN }
      : await countKept(url, counted)
  const of = (kind: Outcome['kind']) => outcomes.filter((each) => each.kind === kind).length
  return {
    ...{ served: of('served'), degraded: of('degraded'), failed: of('failed'), hung: of('hung') },
    ...kept,
    longestMs: Math.round(Math.max(...outcomes.map(({ ms }) => ms))),
    backMs: endedMs,
    grownMb: 0,
  }
}
