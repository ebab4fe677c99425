import { setTimeout as sleep } from 'node:timers/promises'
import type { TestServer } from '../test/support/redis.ts'
import { type Probe, startProbe } from './probe.ts'
import type { OwnUsage } from './probes/own-usage.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** One process of live streams. */
interface StreamsLine {
  readonly role: 'answers' | 'follows'
  /** Connections to Redis that it made for the streams. */
  readonly connections: number
  /** By which their number has grown, for each stream. */
  readonly timers: number
  readonly rssBytes: number
  readonly heapBytes: number
  /** Of one processor, while nothing is said. */
  readonly idleCpu: number
  /** While each stream gets a piece every half second. */
  readonly cpu: number
  readonly pieces: number
}

/** What came of many live streams. */
export interface StreamsReport {
  readonly streams: number
  readonly seconds: number
  readonly lines: readonly StreamsLine[]
  /** Commands to Redis for each stream and second. */
  readonly idleCommands: number
  readonly commands: number
  /** Streams that ended before they were to. */
  readonly lost: number
}

/** Of how many streams how long. */
export interface StreamsSize {
  readonly streams: number
  readonly seconds: number
}

type Client = ReturnType<TestServer['client']>

const roles = ['answers', 'follows'] as const

/** One process answers so many turns, another follows all of them for clients of its own. */
export async function measureStreams(
  server: TestServer,
  compiled: string,
  { streams, seconds }: StreamsSize,
): Promise<StreamsReport> {
  const client = server.client()
  await client.flushall()
  const places = [`${streams}`, `${server.url}/0`]
  const probes = [
    startProbe(compiled, 'answering', places),
    startProbe(compiled, 'following', places),
  ]
  const begun: OwnUsage[] = []
  const connections: number[] = []
  const before = await all(probes, 'usage')
  for (const probe of probes) {
    const there = await connectionsOf(client)
    begun.push(await probe.ask<OwnUsage>('begin'))
    connections.push((await connectionsOf(client)) - there)
  }
  const idle = await span(client, probes, seconds)
  await all(probes, 'speak')
  const spoken = await span(client, probes, seconds)
  await all(probes, 'hush')
  await Promise.all(probes.map((probe) => probe.ask('end')))
  await Promise.all(probes.map((probe) => probe.end()))
  client.disconnect()
  return {
    streams,
    seconds,
    lines: roles.map((role, at) =>
      lineOf(role, { streams, connections, before, begun, idle, spoken }, at),
    ),
    idleCommands: idle.commands / seconds / streams,
    commands: spoken.commands / seconds / streams,
    lost: streams * 2 - spoken.after.reduce((sum, { open }) => sum + open, 0),
  }
}

interface Found {
  readonly streams: number
  readonly connections: readonly number[]
  readonly before: readonly OwnUsage[]
  readonly begun: readonly OwnUsage[]
  readonly idle: Span
  readonly spoken: Span
}

function lineOf(
  role: StreamsLine['role'],
  { streams, connections, before, begun, idle, spoken }: Found,
  at: number,
): StreamsLine {
  const grown = (what: 'timers' | 'rssBytes' | 'heapBytes') =>
    ((begun[at]?.[what] ?? Number.NaN) - (before[at]?.[what] ?? Number.NaN)) / streams
  return {
    role,
    connections: connections[at] ?? Number.NaN,
    timers: grown('timers'),
    rssBytes: grown('rssBytes'),
    heapBytes: grown('heapBytes'),
    idleCpu: cpuOf(idle, at),
    cpu: cpuOf(spoken, at),
    pieces: (spoken.after[at]?.pieces ?? 0) - (spoken.before[at]?.pieces ?? 0),
  }
}

/** What was used within a time. */
interface Span {
  readonly before: readonly OwnUsage[]
  readonly after: readonly OwnUsage[]
  readonly commands: number
}

async function span(client: Client, probes: readonly Probe[], seconds: number): Promise<Span> {
  const before = await all(probes, 'usage')
  const commandsBefore = await commandsOf(client)
  await sleep(seconds * 1000)
  const commands = (await commandsOf(client)) - commandsBefore
  return { before, after: await all(probes, 'usage'), commands }
}

function all(probes: readonly Probe[], order: string): Promise<OwnUsage[]> {
  return Promise.all(probes.map((probe) => probe.ask<OwnUsage>(order)))
}

function cpuOf({ before, after }: Span, at: number): number {
  const [from, to] = [before[at], after[at]]
  if (from === undefined || to === undefined) return Number.NaN
  return (to.cpuMicros - from.cpuMicros) / 1000 / (to.atMs - from.atMs)
}

/** Connections of memoryware; those for commands are there already. */
async function connectionsOf(client: Client): Promise<number> {
  const list = String(await client.client('LIST'))
  return list.split('\n').filter((line) => line.includes(' name=memoryware')).length
}

/** Commands of clients: what scripts call is counted as well by Redis, but these no script calls. */
async function commandsOf(client: Client): Promise<number> {
  const stats = await client.info('commandstats')
  const calls = ['evalsha', 'eval', 'xrange', 'lrange'].map(
    (name) => new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1],
  )
  return calls.reduce((sum, count = '0') => sum + Number(count), 0)
}

/** Sentences about streams that have more than one connection in common, or more than a timer each. */
export function wrongStreams({ lines }: StreamsReport): string[] {
  return lines.flatMap(({ role, connections, timers }) => [
    ...(connections === 1
      ? []
      : [
          `A process that ${role} should have 1 connection for all streams, and has ${connections}`,
        ]),
    ...(timers <= 1
      ? []
      : [`A process that ${role} should have a timer a stream at most, and has ${timers}`]),
  ])
}

/** The report as text. */
export function streamsText(report: StreamsReport): string {
  const { streams, seconds, lines, idleCommands, commands, lost } = report
  const rows = lines.map((line) => [
    `${line.role}`,
    `${line.connections}`,
    line.timers.toFixed(3),
    (line.rssBytes / 1024).toFixed(1),
    (line.heapBytes / 1024).toFixed(1),
    line.idleCpu.toFixed(2),
    line.cpu.toFixed(2),
    whole(line.pieces),
  ])
  const head = ['connections', 'timers', 'RSS KiB', 'heap KiB', 'idle cpu', 'cpu', 'pieces']
  return [
    `${whole(streams)} live streams, two processes: connections of each, timers and memory a stream, ` +
      `processors while nothing is said and while each gets 2 pieces a second`,
    textTable([['process', ...head], ...rows]),
    `  commands to Redis a stream and second: ${idleCommands.toFixed(2)} idle, ${commands.toFixed(2)} otherwise; ` +
      `${seconds} s each${lost === 0 ? '' : `; note: ${whole(lost)} streams ended early`}`,
  ].join('\n')
}
