import { setTimeout as sleep } from 'node:timers/promises'
import type { TestServer } from '../test/support/redis.ts'
import { fill, send } from './http-client.ts'
import type { Load } from './load.ts'
import { keepOpening, type Restore } from './opening.ts'
import { type Client, redisCpuMicros } from './redis-cpu.ts'
import type { Requests } from './requests.ts'
import { bareOf, type Entry, type Route } from './routes.ts'
import { type Served, serve } from './served.ts'
import { rotated, type Slice } from './statistics.ts'

/** What all rounds of one stack gave. */
export interface Measured {
  readonly entry: Entry
  readonly slices: Slice[]
  /** Over all rounds: what the figures should be read with. */
  readonly notes: { wrong: number; ran: number; forgetful: number; withoutStore: number }
}

/** How to measure. */
export interface Measuring {
  readonly compiled: string
  readonly server: TestServer
  readonly load: Load
  readonly short: boolean
  readonly rounds: number
  readonly seconds: number
}

/** A stack under way. */
interface Running extends Measured {
  readonly served: Served
  readonly requests: Requests
  readonly restore: Restore
}

/** As many as grow by a few turns only while they are measured. */
const sessionsPerSecond = 512

const writtenWithinMs = 300

/** Runs every stack of a route once a round, the bare handler first of the list. */
export async function runRounds(route: Route, measuring: Measuring): Promise<readonly Measured[]> {
  const { load, rounds, seconds, short } = measuring
  const running = await startAll(route, measuring)
  const redis = measuring.server.client()
  try {
    // All at once: each has as long as a slice of its own. What is compiled by the end of it counts.
    // In a short run, whose figures prove nothing, half of that.
    const warmUp = Math.ceil((running.length * seconds) / (short ? 2 : 1))
    await Promise.all(running.map(({ served, requests }) => load.run(served.url, requests, warmUp)))
    for (let round = 0; round < rounds; round += 1) {
      for (const stack of rotated(running, round)) await slice(route, stack, measuring, redis)
    }
  } finally {
    redis.disconnect()
    await Promise.all(running.map(({ served }) => served.end()))
  }
  return running
}

/** Starts each stack on a database of its own: none finds keys of another. */
async function startAll(
  route: Route,
  { compiled, server, seconds }: Measuring,
): Promise<readonly Running[]> {
  const all = route.requests(sessionsPerSecond * seconds)
  // Nobody limits the bare handler.
  const allowed = { ...all, status: 200 }
  const entries = [bareOf(route), ...route.entries]
  return Promise.all(
    entries.map(async (entry, database) => {
      const redis = entry.in === 'redis' ? `${server.url}/${database}` : undefined
      const served = await serve(compiled, entry.stack, redis)
      const requests = database === 0 ? allowed : all
      const notes = { wrong: 0, ran: 0, forgetful: 0, withoutStore: 0 }
      const restore = await begin(route, { served, redis, database }, requests, server)
      return { entry, slices: [], notes, served, requests, restore }
    }),
  )
}

/** Gives the sessions their histories, and a cache its answer; and that again before each slice. */
async function begin(
  route: Route,
  { served, redis, database }: { served: Served; redis: string | undefined; database: number },
  requests: Requests,
  server: TestServer,
): Promise<Restore> {
  const refill = () => (route.fill ? fill(served.url, requests) : Promise.resolve())
  await refill()
  const { method, path, body, variants } = requests
  await send({ url: served.url, method, path, fields: variants[0] ?? {}, body })
  // A cache may still be writing down what it has answered already.
  await sleep(writtenWithinMs)
  return route.fill && redis !== undefined ? keepOpening(server, database) : refill
}

async function slice(
  { cached }: Route,
  { entry, served, requests, slices, notes, restore }: Running,
  { load, seconds }: Measuring,
  redis: Client,
): Promise<void> {
  // Who has waited for the slices of all others begins cold: V8 throws away what it has compiled for a
  // process that is idle.
  await load.run(served.url, requests, seconds)
  await restore()
  const before = await served.usage()
  const redisBefore = await redisCpuMicros(redis)
  const result = await load.run(served.url, requests, seconds)
  const redisAfter = await redisCpuMicros(redis)
  const after = await served.usage()
  slices.push({
    perSecond: result.requests / result.seconds,
    cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / result.requests,
    redisMicrosPerRequest: (redisAfter - redisBefore) / result.requests,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    rssBytes: after.rssBytes,
  })
  notes.wrong += result.wrong
  if (!entry.stack.endsWith('/bare')) {
    if (cached) notes.ran += after.runs - before.runs
    notes.forgetful += after.forgetful - before.forgetful
  }
  notes.withoutStore += after.withoutStore - before.withoutStore
  if (result.wrong > result.requests / 20)
    throw new Error(`${entry.label}: ${result.wrong} of ${result.requests} answers were wrong`)
}
