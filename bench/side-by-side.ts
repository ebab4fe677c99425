import { fill, send } from './http-client.ts'
import type { Load } from './load.ts'
import type { Requests } from './requests.ts'
import { type Served, serve } from './served.ts'
import type { StackName } from './servers/stacks.ts'
import { type Related, rotated } from './statistics.ts'

/** A stack in one process or several, which share the load. */
export interface Contestant {
  readonly label: string
  readonly stack: StackName
  /** URLs of Redis, separated by commas where it is a Cluster; none where it keeps things itself. */
  readonly redis?: string
  /** @default 1 */
  readonly processes?: number
}

/** What they are sent, and how they are measured. */
export interface Course {
  readonly compiled: string
  readonly load: Load
  readonly requests: Requests
  /** POST /fill gives each session its history before each slice. */
  readonly fill: boolean
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
}

/** What all rounds of one of them gave. */
export interface Run {
  readonly label: string
  readonly slices: readonly Related[]
  /** Answers that were wrong or failed, over all rounds. */
  readonly wrong: number
}

const warmUpSeconds = 1
const attempts = 5

/** Measures each once a round, in an order that turns. */
export async function sideBySide(
  contestants: readonly Contestant[],
  course: Course,
): Promise<readonly Run[]> {
  const running = await Promise.all(contestants.map((each) => started(each, course)))
  try {
    for (const each of running) await answered(each, { ...course, seconds: warmUpSeconds })
    const runs = running.map(({ label }) => ({ label, slices: [] as Related[], wrong: 0 }))
    for (let round = 0; round < course.rounds; round += 1)
      for (const at of rotated([...running.keys()], round)) {
        const [one, run] = [running[at], runs[at]]
        if (one === undefined || run === undefined) continue
        const { wrong, ...found } = await answered(one, course)
        run.slices.push(found)
        run.wrong += wrong
      }
    return runs
  } finally {
    await Promise.all(running.flatMap(({ servers }) => servers.map((server) => server.end())))
  }
}

interface Running {
  readonly label: string
  readonly servers: readonly Served[]
}

async function started(
  { label, stack, redis, processes = 1 }: Contestant,
  { compiled, requests }: Course,
): Promise<Running> {
  const starts = Array.from({ length: processes }, () => serve(compiled, stack, redis))
  const servers = await Promise.all(starts)
  const { method, path, body, variants } = requests
  // A cache has its answer, and a limiter its script.
  for (const { url } of servers) await send({ url, method, path, fields: variants[0] ?? {}, body })
  return { label, servers }
}

/** On a machine that is busy otherwise many connections may not even stand within a second. */
async function answered(running: Running, course: Course): ReturnType<typeof slice> {
  for (let left = attempts; left > 0; left -= 1) {
    const found = await slice(running, course)
    if (found.perSecond > 0) return found
  }
  throw new Error(`${running.label} answers nobody within ${course.seconds} s`)
}

async function slice(
  { servers }: Running,
  { load, requests, fill: filled, connections, seconds }: Course,
): Promise<Related & { readonly wrong: number }> {
  const [first] = servers
  if (filled && first !== undefined) await fill(first.url, requests)
  const before = await cpuOf(servers)
  const each = Math.max(1, Math.round(connections / servers.length))
  const results = await Promise.all(
    shared(requests, servers.length).map((own, at) =>
      load.run(servers[at]?.url ?? '', own, seconds, each),
    ),
  )
  const cpuMicros = (await cpuOf(servers)) - before
  const total = results.reduce((sum, result) => sum + result.requests, 0)
  return {
    perSecond: results.reduce((sum, result) => sum + result.requests / result.seconds, 0),
    cpuMicrosPerRequest: cpuMicros / total,
    wrong: results.reduce((sum, result) => sum + result.wrong, 0),
  }
}

const shares = new Map<Requests, Requests[]>()

/** Each process gets sessions of its own: the same lists each time, so that a load knows them again. */
function shared(requests: Requests, processes: number): Requests[] {
  if (processes === 1) return [requests]
  const known = shares.get(requests)
  if (known?.length === processes) return known
  const { variants } = requests
  const made = Array.from({ length: processes }, (_, process) => {
    const own = variants.filter((_variant, at) => at % processes === process)
    return { ...requests, variants: own.length > 0 ? own : variants }
  })
  shares.set(requests, made)
  return made
}

async function cpuOf(servers: readonly Served[]): Promise<number> {
  const usages = await Promise.all(servers.map((server) => server.usage()))
  return usages.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0)
}

/** Sentences about those of whose answers more than a twentieth were wrong: they did other work. */
export function wrongRuns(where: string, runs: readonly Run[], seconds: number): string[] {
  return runs.flatMap(({ label, slices, wrong }) => {
    const answers = slices.reduce((sum, { perSecond }) => sum + perSecond * seconds, 0)
    if (wrong <= answers / 20) return []
    return [`${label}, ${where}: ${wrong} of about ${Math.round(answers)} answers were wrong`]
  })
}
