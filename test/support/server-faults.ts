import assert from 'node:assert/strict'
import { type Counts, countTogether, type Strike } from './fault-run.ts'
import { holds, tell } from './fault-table.ts'
import type { ForkedApp } from './forked-app.ts'
import type { TestServer } from './redis.ts'

/** A fault of one of several servers, whose place another takes. */
export interface ServerFault {
  readonly name: string
  strikeAt(server: TestServer): Strike
  /** After the run: it is there again. */
  mend(server: TestServer): unknown
  /** How late after the end of the strike a request may still be degraded. */
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
export type Runs = readonly (readonly Counts[])[]

const failoverMs = 6000
// Two places are struck side by side, with three apps each: they share the machine.
const everyMs = 50

/** The server is gone, and so are its connections. */
export const killed: ServerFault = {
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
export const stopped: ServerFault = {
  name: 'SIGSTOP',
  strikeAt: (server) => ({
    strike: () => server.freeze(),
    clear: () => server.thaw(),
    forMs: failoverMs,
    everyMs,
  }),
  mend: () => {},
  backMs: 1000,
}

/** Strikes so many times, and ends the place. */
export async function strikeOften(
  fault: ServerFault,
  place: FaultPlace,
  runs: number,
): Promise<Runs> {
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
export function checkRuns(fault: ServerFault, what: string, runs: Runs): readonly Counts[] {
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
