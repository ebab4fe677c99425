import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { countKept, type Kept } from '../../support/fault-kept.ts'
import { type FaultLoad, type Outcome, say, startFaultLoad } from '../../support/fault-load.ts'
import { startFaultApp } from '../../support/fault-processes.ts'
import type { Counts } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'

const listPeer = new URL('../../support/list-peer.ts', import.meta.url)
const longestMs = 2000
/** A request that was sent so long before the signal has reached the app. */
const onItsWayMs = 100

/** How Redis is when the signal comes. */
interface Moment {
  readonly name: string
  /** For so long before it Redis does not answer, so that something is under way. */
  readonly frozenMs: number
  /** It answers from then on. */
  readonly well: boolean
}

const moments: readonly Moment[] = [
  { name: 'Redis is well', frozenMs: 130, well: true },
  { name: 'Redis has just frozen', frozenMs: 130, well: false },
  { name: 'Redis was frozen, and is back', frozenMs: 1500, well: true },
]

describe('an app that is ended by SIGTERM under load', function () {
  this.timeout(60_000)
  let server: TestServer
  let apps: Readonly<Record<'express' | 'koa' | 'ioredis' | 'next', ForkedApp>>

  beforeEach(async () => {
    server = await startRedis()
    const { url } = server
    const [express, koa, next, ioredis] = await Promise.all([
      startFaultApp({ framework: 'express', store: { url } }),
      startFaultApp({ framework: 'koa', store: { url } }),
      startFaultApp({ framework: 'express', store: { url } }),
      forkApp(listPeer, [JSON.stringify({ url })]),
    ])
    apps = { express, koa, ioredis, next }
    // A process is slow at its first requests.
    for (let count = 0; count < 20; count += 1)
      await Promise.all([express, koa, ioredis].map((app) => say(app.url, 'first', `${count}`)))
  })
  afterEach(async () => {
    await Promise.all(Object.values(apps).map((app) => app.stop('SIGKILL')))
    await server.stop()
  })

  for (const moment of moments)
    it(`answers what is under way and ends in order within 2 s: ${moment.name}`, async () => {
      const { next, ...ending } = apps
      const loads = Object.entries(ending).map(([who, app]) => {
        return { who, app, load: startFaultLoad(app.url, 10) }
      })
      await sleep(500)
      server.freeze()
      await sleep(moment.frozenMs)
      if (moment.well) server.thaw()
      const ends = await Promise.all(loads.map(terminated))
      server.thaw()
      for (const ended of ends) await check(moment, ended, next.url)
    })
})

async function check({ name, well, frozenMs }: Moment, ended: Ended, next: string): Promise<void> {
  const { who, outcomes, underWay, endedMs, code } = ended
  // Where Redis is well, what was kept in the process is there too.
  const wanted = well ? outcomes.map(asStored) : outcomes
  const kept = who === 'ioredis' ? unknown : await countKept(next, wanted)
  const counts = countsOf(outcomes, kept, endedMs)
  tell(`SIGTERM under load, back: it has ended; ${name}`, who, counts)
  if (who === 'ioredis') return assert.equal(code, well ? 0 : undefined, `${endedMs} ms`)
  assert.equal(code, 0)
  holds(counts, { backMs: longestMs })
  assert.ok(underWay > 0 || frozenMs > 1000, 'nothing was under way')
}

interface Ended {
  readonly who: string
  /** Of requests that were sent before the signal. */
  readonly outcomes: readonly Outcome[]
  /** How many of them were answered after it. */
  readonly underWay: number
  readonly endedMs: number
  /** Of the process; undefined where it had to be killed. */
  readonly code: unknown
}

async function terminated({
  who,
  app,
  load,
}: {
  readonly who: string
  readonly app: ForkedApp
  readonly load: FaultLoad
}): Promise<Ended> {
  const exited = once(app.child, 'exit')
  const toldAt = performance.now()
  app.child.kill('SIGTERM')
  const late = sleep(longestMs + 500, [undefined], { ref: false })
  const [code] = await Promise.race([exited, late])
  const endedMs = Math.round(performance.now() - toldAt)
  await app.stop('SIGKILL')
  const outcomes = (await load.stop()).filter(({ at }) => at < toldAt - onItsWayMs)
  const underWay = outcomes.filter(({ at, ms }) => at + ms > toldAt).length
  return { who, outcomes, underWay, endedMs, code }
}

const unknown = { lost: Number.NaN, doubled: Number.NaN, reordered: Number.NaN }

function asStored(outcome: Outcome): Outcome {
  return outcome.acknowledged === 'kept' ? { ...outcome, acknowledged: 'stored' } : outcome
}

function countsOf(outcomes: readonly Outcome[], kept: Kept, endedMs: number): Counts {
  const of = (kind: Outcome['kind']) => outcomes.filter((each) => each.kind === kind).length
  return {
    ...{ served: of('served'), degraded: of('degraded'), failed: of('failed'), hung: of('hung') },
    ...kept,
    longestMs: Math.round(Math.max(...outcomes.map(({ ms }) => ms))),
    backMs: endedMs,
    grownMb: 0,
  }
}
