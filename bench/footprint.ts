import { setTimeout as sleep } from 'node:timers/promises'
import type { TestServer } from '../test/support/redis.ts'
import type { Bed, Finding } from './finding.ts'
import { startProbe } from './probe.ts'
import type { FootprintResult } from './probes/footprint.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** What is stored to be weighed. */
const kinds = [
  'session of 2',
  'session of 22',
  'tenth session',
  'answer',
  'sliding',
  'fixed',
] as const

/** One of them. */
export type FootprintKind = (typeof kinds)[number]

/** Bytes of one of each kind, beside what an application handed in. */
export type Weights = Readonly<Record<FootprintKind, number>>

/** What one of each thing takes. */
interface FootprintLine {
  readonly what: string
  readonly redis: number
  readonly process: number
}

type Client = ReturnType<TestServer['client']>

const settledMs = 300

/** Stores many of each kind in each store, and weighs all of them together. */
export async function measureFootprint({ server, compiled, short }: Bed): Promise<Finding> {
  const count = short ? 2000 : 10_000
  const client = server.client()
  const weigh = async (url?: string) => {
    const found: Partial<Record<FootprintKind, number>> = {}
    for (const kind of kinds) found[kind] = await weight(kind, { compiled, count, client, url })
    return found as Weights
  }
  const redis = await weigh(`${server.url}/0`)
  const inProcess = await weigh()
  await client.flushall()
  client.disconnect()
  const lines = footprintLines(redis, inProcess)
  return { figures: lines, text: footprintText(lines), wrong: wrongFootprint(lines) }
}

interface Weighing {
  readonly compiled: string
  readonly count: number
  readonly client: Client
  readonly url: string | undefined
}

/** Bytes of one, beside its own: as Redis says of all its memory, or as the heap has grown. */
async function weight(
  kind: FootprintKind,
  { compiled, count, client, url }: Weighing,
): Promise<number> {
  await client.flushall()
  const probe = startProbe(compiled, 'footprint', [
    ...[kind, `${count}`],
    ...(url === undefined ? [] : [url]),
  ])
  await probe.ask()
  const before = await usedBytes(client)
  const { heldBytes, ownBytes } = await probe.ask<FootprintResult>('fill')
  // What is kept behind an answer comes a little later.
  await sleep(settledMs)
  const after = await usedBytes(client)
  await probe.end()
  return ((url === undefined ? heldBytes : after - before) - ownBytes) / count
}

/** What Redis has asked its allocator for. */
export async function usedBytes(client: Pick<Client, 'info'>): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1])
}

/** Of what is weighed together: what a message takes, and what a session takes without messages. */
export function footprintLines(redis: Weights, inProcess: Weights): FootprintLine[] {
  const message = (of: Weights) => (of['session of 22'] - of['session of 2']) / 20
  const line = (what: string, bytes: (of: Weights) => number): FootprintLine => ({
    ...{ what, redis: bytes(redis), process: bytes(inProcess) },
  })
  return [
    line('session, the only one of its user', (of) => of['session of 2'] - 2 * message(of)),
    line('session, one of ten', (of) => of['tenth session'] - 2 * message(of)),
    line('message, beside its JSON', message),
    line('cached answer, beside its body', ({ answer }) => answer),
    line('key of a limiter, sliding', ({ sliding }) => sliding),
    line('key of a limiter, fixed', ({ fixed }) => fixed),
  ]
}

/** On Redis, with all it needs to find them and to end them. More is an error. */
const most: Readonly<Record<string, number>> = {
  'session, the only one of its user': 1500,
  'session, one of ten': 1350,
  'message, beside its JSON': 165,
  'cached answer, beside its body': 1500,
  'key of a limiter, sliding': 200,
  'key of a limiter, fixed': 165,
}

/** Sentences about what takes too much. */
export function wrongFootprint(lines: readonly FootprintLine[]): string[] {
  return lines.flatMap(({ what, redis }) => {
    const bound = most[what] ?? Number.POSITIVE_INFINITY
    if (redis <= bound) return []
    return [
      `One ${what}: should take at most ${whole(bound)} bytes on Redis, and takes ${whole(redis)}`,
    ]
  })
}

function footprintText(lines: readonly FootprintLine[]): string {
  const rows = lines.map(({ what, redis, process }) => [what, whole(redis), whole(process)])
  return [
    'What one takes, in bytes: of all memory that Redis uses, and of the heap of a process with its buffers',
    textTable([['one', 'Redis', 'in process'], ...rows]),
  ].join('\n')
}
