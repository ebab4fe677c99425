import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestServer } from '../test/support/redis.ts'
import { serve } from './served.ts'
import { median, percentile } from './statistics.ts'
import { type ReadStream, readStream } from './stream-reader.ts'
import { textTable } from './text-table.ts'

/** Streams of events on one framework. */
export interface EventStreamsLine {
  readonly framework: 'express' | 'koa'
  /** Until the first byte of the bare handler's stream: the median. */
  readonly bareMs: number
  /** By how much longer a stream that is not stored takes, than the bare one beside it. */
  readonly later: { readonly median: number; readonly low: number; readonly high: number }
  /** How often the handler ran for those who read one stream at once. */
  readonly runs: number
  readonly readers: number
  /** Readers that did not get every event. */
  readonly torn: number
  /** From when an event was made until a reader had it: of the process that makes it, and of the other. */
  readonly lagMs: readonly [own: number, other: number]
}

const pairs = 100
const readersOfEach = 25
const longEvents = 20
/** More than this is said, and no failure: it is a time. */
const mostLaterMs = 2

/** Measures the way to the first byte, and those who join a stream that is being made. */
export async function measureEventStreams(
  server: TestServer,
  compiled: string,
): Promise<readonly EventStreamsLine[]> {
  const lines: EventStreamsLine[] = []
  for (const framework of ['express', 'koa'] as const) {
    const client = server.client()
    await client.flushall()
    client.disconnect()
    const agent = new Agent({ keepAlive: true })
    const stack = `${framework}/memoryware/cache` as const
    const [bare, one, other] = await Promise.all([
      serve(compiled, `${framework}/bare`, undefined),
      serve(compiled, stack, `${server.url}/0`),
      serve(compiled, stack, `${server.url}/0`),
    ])
    try {
      const first = await firstBytes(bare.url, one.url, agent)
      lines.push({ framework, ...first, ...(await joined([one, other], agent)) })
    } finally {
      agent.destroy()
      await Promise.all([bare, one, other].map((each) => each.end()))
    }
  }
  return lines
}

type First = Pick<EventStreamsLine, 'bareMs' | 'later'>
type Joined = Pick<EventStreamsLine, 'runs' | 'readers' | 'torn' | 'lagMs'>

/** One after the other, in turns: each of ours is of another URL, and so is missed. */
async function firstBytes(bare: string, ours: string, agent: Agent): Promise<First> {
  const bareMs: number[] = []
  const laterMs: number[] = []
  for (let at = -20; at < pairs; at += 1) {
    const path = `/events?at=${at}`
    const inOrder = at % 2 === 0 ? [bare, ours] : [ours, bare]
    const found = new Map<string, number>()
    for (const url of inOrder) found.set(url, (await readStream(url, path, agent)).firstMs)
    // The first ones are there to get warm.
    if (at < 0) continue
    bareMs.push(found.get(bare) ?? Number.NaN)
    laterMs.push((found.get(ours) ?? Number.NaN) - (found.get(bare) ?? Number.NaN))
  }
  const later = {
    median: median(laterMs),
    low: percentile(laterMs, 0.1),
    high: percentile(laterMs, 0.9),
  }
  return { bareMs: median(bareMs), later }
}

type Served = Awaited<ReturnType<typeof serve>>

/** One begins a stream; others join it a little later, in both processes. */
async function joined(both: readonly [Served, Served], agent: Agent): Promise<Joined> {
  const path = '/events/long'
  const read = ({ url }: Served) => readStream(url, path, agent)
  const runsBefore = await runsOf(both)
  const leader = read(both[0])
  await sleep(150)
  const reading = both.map((each) =>
    Promise.all(Array.from({ length: readersOfEach }, () => read(each))),
  )
  const [own = [], others = []] = await Promise.all(reading)
  const all = [await leader, ...own, ...others]
  return {
    runs: (await runsOf(both)) - runsBefore,
    readers: all.length,
    torn: all.filter(({ body }) => body.match(/^id: /gm)?.length !== longEvents).length,
    lagMs: [lagOf(own), lagOf(others)],
  }
}

/** Of the later half: the events before came all at once to who joined after them. */
function lagOf(readers: readonly ReadStream[]): number {
  return median(readers.flatMap(({ lagsMs }) => lagsMs.slice(longEvents / 2)))
}

async function runsOf(all: readonly Served[]): Promise<number> {
  const usages = await Promise.all(all.map((each) => each.usage()))
  return usages.reduce((sum, { runs }) => sum + runs, 0)
}

/** Sentences about streams that were not shared, or not whole. */
export function wrongEventStreams(lines: readonly EventStreamsLine[]): string[] {
  return lines.flatMap(({ framework, runs, readers, torn }) => [
    ...(runs === 1
      ? []
      : [`${readers} readers of a stream on ${framework} should be 1 run, and were ${runs}`]),
    ...(torn === 0
      ? []
      : [`${torn} of ${readers} readers of a stream on ${framework} did not get all of it`]),
  ])
}

/** The lines as text. */
export function eventStreamsText(lines: readonly EventStreamsLine[]): string {
  const rows = lines.map(({ framework, bareMs, later, runs, readers, lagMs }) => [
    framework,
    bareMs.toFixed(2),
    later.median.toFixed(2),
    `${later.low.toFixed(2)}..${later.high.toFixed(2)}`,
    `${readers}`,
    `${runs}`,
    ...lagMs.map((lag) => lag.toFixed(1)),
  ])
  const head = ['bare ms', 'later ms', '10 %..90 %', 'readers', 'runs', 'lag ms', 'other process']
  const notes = lines
    .filter(({ later }) => later.median > mostLaterMs)
    .map(({ framework }) => `  note, ${framework}: the first byte is above ${mostLaterMs} ms later`)
  return [
    `Streams of events: first byte of one that is missed, after the bare handler's (${pairs} pairs); and one that is read by many as it is made`,
    textTable([['framework', ...head], ...rows]),
    ...notes,
  ].join('\n')
}
