import assert from 'node:assert/strict'
import { before, describe, it } from 'mocha'
import { type Counts, countTogether, type Strike } from './fault-run.ts'
import { holds, tell } from './fault-table.ts'
import type { ForkedApp } from './forked-app.ts'
import type { TestServer } from './redis.ts'

/** A fault of one of several servers, whose place another takes. */
interface ServerFault {
  readonly name: string
  strikeAt(server: TestServer): Strike
  /** After the run: it is there again. */
  mend(server: TestServer): unknown
  /** How late after the end of the strike a request may still be degraded; 0: it ends when the place must be taken. */
  readonly backMs: number
}

/** Where it happens: apps of ours on Express and on Koa, and last what others use. */
export interface FaultPlace {
  readonly apps: readonly ForkedApp[]
  /** The servers are well again, and this one is next. */
  victim(run: number): Promise<TestServer>
  stop(): Promise<unknown>
}

/** What each of the apps of a place came to in each run. */
type Runs = readonly (readonly Counts[])[]

const runsOfEach = 5
const failoverMs = 6000
// Two places are struck side by side, with three apps each: they share the machine.
const everyMs = 50

/** The server is gone, and so are its connections. */
const killed: ServerFault = {
  name: 'kill -9',
  strikeAt: (server) => ({
    strike: () => server.kill(),
    clear: () => {},
    forMs: 0,
    watchMs: failoverMs + 1000,
    everyMs,
  }),
  mend: (server) => server.restart(),
  backMs: failoverMs,
}

/** The server hangs, and goes on when its place is taken. */
const stopped: ServerFault = {
  name: 'SIGSTOP',
  strikeAt: (server) => ({
    strike: () => server.freeze(),
    clear: () => server.thaw(),
    forMs: failoverMs,
    everyMs,
  }),
  mend: () => {},
  backMs: 0,
}

/**
 * The rows of a server that is killed, and of one that hangs, five times each. `suffers`: what others
 * come to each time it hangs.
 */
export function rowsOfGoing(
  what: string,
  placed: () => Promise<FaultPlace>,
  suffers: (counts: Counts) => boolean,
): void {
  describe(`${what} that goes, five times`, function () {
    this.timeout(180_000)
    let counted: { readonly killed: Runs; readonly stopped: Runs }

    // Side by side: most of the time they wait for the servers.
    before(async () => {
      const [kills, stops] = await Promise.all([
        strikeOften(killed, await placed(), runsOfEach),
        strikeOften(stopped, await placed(), runsOfEach),
      ])
      counted = { killed: kills, stopped: stops }
    })

    it('is replaced within 6 s where it is killed, and nothing is lost or doubled', () => {
      const peers = checkRuns(killed, what, counted.killed)
      assert.equal(peers.length, runsOfEach)
      for (const { hung, failed } of peers) assert.ok(hung + failed > 0, 'so is it with ioredis')
    })

    it('is replaced within 6 s where it hangs, and nothing is lost or doubled', () => {
      const peers = checkRuns(stopped, what, counted.stopped)
      assert.equal(peers.length, runsOfEach)
      for (const counts of peers) assert.ok(suffers(counts), 'so is it with ioredis')
    })
  })
}

/** Strikes so many times, and ends the place. */
async function strikeOften(fault: ServerFault, place: FaultPlace, runs: number): Promise<Runs> {
  const counted: (readonly Counts[])[] = []
  try {
    for (let run = 0; run < runs; run += 1) {
      const victim = await place.victim(run)
      counted.push(await countTogether(place.apps, fault.strikeAt(victim)))
      await fault.mend(victim)
    }
  } finally {
    await Promise.all(place.apps.map((app) => app.stop('SIGKILL')))
    await place.stop()
  }
  return counted
}

/** Tells of the runs, and asserts the contract for ours; gives what the others came to. */
function checkRuns(fault: ServerFault, what: string, runs: Runs): readonly Counts[] {
  const peers: Counts[] = []
  for (const [at, [express, koa, peer]] of runs.entries()) {
    assert.ok(express && koa && peer)
    for (const [who, counts] of Object.entries({ express, koa, ioredis: peer }))
      tell(`${fault.name} of ${what}`, `${who}, run ${at + 1}`, counts)
    peers.push(peer)
  }
  for (const counts of runs.flatMap((run) => run.slice(0, 2))) {
    assert.ok(counts.degraded > 0, 'nobody noticed')
    assert.ok(counts.degraded < failoverMs / everyMs, 'nobody took its place in time')
    holds(counts, { backMs: fault.backMs })
  }
  return peers
}
