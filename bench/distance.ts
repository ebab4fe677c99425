import type { TestServer } from '../test/support/redis.ts'
import { type DistantProxy, startDistantProxy } from './distant-proxy.ts'
import { fill } from './http-client.ts'
import { startProbe } from './probe.ts'
import type { PingResult } from './probes/pinging.ts'
import { type Requests, visitors } from './requests.ts'
import type { Measuring } from './rounds.ts'
import { type Served, serve } from './served.ts'
import type { StackName } from './servers/stacks.ts'
import { median, rotated } from './statistics.ts'
import { textTable } from './text-table.ts'
import { wantedAtDistance } from './wanted.ts'

type Path = keyof typeof wantedAtDistance

/** What one stack takes for one request, over one connection: medians, in milliseconds. */
export interface DistanceLine {
  readonly framework: 'express' | 'koa'
  readonly stack: string
  readonly ours: boolean
  readonly path: Path
  readonly nearMs: number
  readonly farMs: number
  /** Answers that failed. */
  readonly wrong: number
}

/** What the proxy itself takes, told by a PING. */
interface Way {
  readonly directMs: number
  /** Through the proxy, which adds nothing. */
  readonly nearMs: number
  /** Through the proxy, which makes it a millisecond more than directly. */
  readonly farMs: number
}

/** What came of Redis that is further away. */
export interface DistanceReport {
  readonly way: Way
  readonly lines: readonly DistanceLine[]
}

const addedMs = 1
const sessions = 128
/** Distances differ by so much that a few rounds tell. */
const mostRounds = 3

const stacks: readonly Pick<DistanceLine, 'framework' | 'stack' | 'ours'>[] = (
  ['express', 'koa'] as const
).flatMap((framework) => [
  { framework, stack: 'bare', ours: false },
  { framework, stack: 'memoryware/all', ours: true },
  { framework, stack: 'peers-together', ours: false },
  { framework, stack: 'peers-together/by-hand', ours: false },
])

/** Measures all that is put together of session, limit, cache and memory, with Redis near and far. */
export async function measureDistance(
  server: TestServer,
  measuring: Omit<Measuring, 'server'>,
): Promise<DistanceReport> {
  const client = server.client()
  await client.flushall()
  client.disconnect()
  const proxy = await startDistantProxy(server)
  try {
    const way = await wayThrough(proxy, server, measuring.compiled)
    const running = await Promise.all(stacks.map((each, at) => start(each, `${proxy.url}/${at}`)))
    try {
      // One after the other: while all are filled at once, Redis may be late for memoryware.
      for (const { served } of running) await fill(served.url, requests['/chat'])
      return { way, lines: await linesOf(running, proxy, measuring, delayOf(way)) }
    } finally {
      await Promise.all(running.map(({ served }) => served.end()))
    }
  } finally {
    await proxy.close()
  }

  async function start(which: (typeof stacks)[number], redis: string): Promise<Running> {
    const name = `${which.framework}/${which.stack}` as StackName
    const place = which.stack === 'bare' ? undefined : redis
    return { ...which, served: await serve(measuring.compiled, name, place) }
  }
}

const requests: Readonly<Record<Path, Requests>> = {
  '/chat': visitors('POST', '/chat', sessions),
  '/answer': visitors('GET', '/answer', sessions),
}

type Running = (typeof stacks)[number] & { readonly served: Served }

async function wayThrough(proxy: DistantProxy, server: TestServer, compiled: string): Promise<Way> {
  const ping = async (url: string) => {
    const probe = startProbe(compiled, 'pinging', [url])
    const { medianMs } = await probe.ask<PingResult>()
    await probe.end()
    return medianMs
  }
  const directMs = await ping(server.url)
  const nearMs = await ping(proxy.url)
  proxy.delay(delayOf({ directMs, nearMs }))
  const farMs = await ping(proxy.url)
  proxy.delay(0)
  return { directMs, nearMs, farMs }
}

/** What the proxy takes for itself is part of what is added. */
function delayOf({ directMs, nearMs }: Pick<Way, 'directMs' | 'nearMs'>): number {
  return Math.max(0, addedMs - (nearMs - directMs))
}

async function linesOf(
  running: readonly Running[],
  proxy: DistantProxy,
  { load, rounds, seconds }: Omit<Measuring, 'server'>,
  delayMs: number,
): Promise<readonly DistanceLine[]> {
  const found = (['/answer', '/chat'] as const).flatMap((path) =>
    running.map((each) => ({ each, path, near: [] as number[], far: [] as number[], wrong: 0 })),
  )
  const slice = async (line: (typeof found)[number], distance: 'near' | 'far') => {
    proxy.delay(distance === 'near' ? 0 : delayMs)
    const result = await load.run(line.each.served.url, requests[line.path], seconds, 1)
    line[distance].push(result.p50Ms)
    line.wrong += result.wrong
  }
  // The near ones come first, and warm all up.
  for (const line of found) await slice(line, 'near')
  for (let round = 0; round < Math.min(rounds, mostRounds); round += 1)
    for (const line of rotated(found, round)) await slice(line, 'far')
  return found.map(({ each: { served: _, ...which }, path, near, far, wrong }) => ({
    ...which,
    ...{ path, nearMs: median(near), farMs: median(far), wrong },
  }))
}

/** Sentences about ours that take longer than is wanted. */
export function tooFar(lines: readonly DistanceLine[]): string[] {
  return lines.flatMap(({ framework, stack, ours, path, farMs }) =>
    ours && farMs > wantedAtDistance[path]
      ? [
          `${stack} on ${framework}, ${path}: ${farMs.toFixed(2)} ms with ${addedMs} ms more to Redis, wanted <= ${wantedAtDistance[path]} ms`,
        ]
      : [],
  )
}

/** The report as text. */
export function distanceText({ way, lines }: DistanceReport): string {
  const head = ['stack', 'near', '1 ms more', 'wanted']
  const rows = lines.map(({ framework, stack, ours, path, nearMs, farMs }) => [
    `${path}, ${framework}/${stack}`,
    nearMs.toFixed(2),
    farMs.toFixed(2),
    ours ? `<= ${wantedAtDistance[path]}` : '',
  ])
  const notes = lines
    .filter(({ wrong }) => wrong > 0)
    .map((line) => `  note, ${line.framework}/${line.stack}: ${line.wrong} answers failed`)
  return [
    'Session, limit, and cache or memory, over one connection, with Redis a millisecond further away: ms, medians',
    textTable([head, ...rows]),
    `A PING takes ${inMs(way.directMs)} directly, ${inMs(way.nearMs)} through the proxy, and ${inMs(way.farMs)} where that makes it 1 ms more`,
    ...notes,
  ].join('\n')
}

function inMs(ms: number): string {
  return `${ms.toFixed(3)} ms`
}
