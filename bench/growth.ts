import type { TestServer } from '../test/support/redis.ts'
import { startProbe } from './probe.ts'
import type { Keeper } from './probes/conversations.ts'
import type { GrowthResult, GrowthTimes } from './probes/growth.ts'
import { whole } from './report.ts'
import { median, type Spread, spread } from './statistics.ts'
import { textTable } from './text-table.ts'

/** What one operation takes on a conversation of one length. */
interface GrowthStep {
  readonly messages: number
  readonly micros: number
  /** To the shortest, in the same round. */
  readonly ratio: Spread
}

/** What one operation takes as a conversation grows. */
export interface GrowthLine {
  readonly keeper: Keeper
  readonly store: 'Redis' | 'in process'
  readonly operation: string
  /** From the shortest on. */
  readonly steps: readonly GrowthStep[]
}

/** Which lengths are measured, how often. */
export interface GrowthSize {
  readonly compiled: string
  readonly rounds: number
  readonly lengths: readonly number[]
}

const operations: Readonly<Record<keyof GrowthTimes, string>> = {
  append: 'append 2',
  read: 'read the last 20',
}

const keepers: readonly Pick<GrowthLine, 'keeper' | 'store'>[] = [
  { keeper: 'memoryware', store: 'Redis' },
  { keeper: 'memoryware', store: 'in process' },
  { keeper: 'one value', store: 'Redis' },
  { keeper: 'LangChain', store: 'Redis' },
]

/** Others read all there is: longer conversations would take them minutes. */
const longestOfOthers = 2000

/** Measures everybody who keeps conversations. */
export async function measureGrowth(
  server: TestServer,
  { compiled, rounds, lengths }: GrowthSize,
): Promise<readonly GrowthLine[]> {
  const client = server.client()
  const lines: GrowthLine[] = []
  for (const { keeper, store } of keepers) {
    await client.flushall()
    const most = keeper === 'memoryware' ? Number.POSITIVE_INFINITY : longestOfOthers
    const measured = lengths.filter((length) => length <= most)
    const where = store === 'Redis' ? [`${server.url}/0`] : []
    const probe = startProbe(compiled, 'growth', [
      ...[keeper, `${rounds}`, measured.join()],
      ...where,
    ])
    const found = await probe.ask<GrowthResult>()
    await probe.end()
    for (const what of ['append', 'read'] as const)
      lines.push({
        keeper,
        store,
        operation: operations[what],
        steps: steps(measured, what, found),
      })
  }
  await client.flushall()
  client.disconnect()
  return lines
}

function steps(
  lengths: readonly number[],
  what: keyof GrowthTimes,
  found: GrowthResult,
): GrowthStep[] {
  const shortest = found[0]?.[what] ?? []
  return lengths.map((messages, at) => {
    const times = found[at]?.[what] ?? []
    const ratios = times.map((micros, round) => micros / (shortest[round] ?? Number.NaN))
    return { messages, micros: median(times), ratio: spread(ratios) }
  })
}

/** The lines as text. */
export function growthText(lines: readonly GrowthLine[]): string {
  const lengths = [...new Set(lines.flatMap(({ steps }) => steps.map(({ messages }) => messages)))]
  const cells = (step: GrowthStep | undefined, write: (step: GrowthStep) => string) =>
    step === undefined ? '' : write(step)
  const rows = lines.map(({ keeper, store, operation, steps }) => {
    const last = steps.at(-1)
    return [
      `${operation}, ${keeper}, ${store}`,
      ...lengths.map((_, at) => cells(steps[at], ({ micros }) => whole(micros))),
      ...lengths.slice(1).map((_, at) => cells(steps[at + 1], ratioOf)),
      cells(last, ({ ratio: { min, max } }) => `${min.toFixed(2)}..${max.toFixed(2)}`),
    ]
  })
  const head = [
    ...lengths.map(whole),
    ...lengths.slice(1).map((length) => `x at ${whole(length)}`),
    'min..max of the last',
  ]
  return [
    'A conversation that grows: microseconds, median, by messages stored; and how many times as long as with the fewest',
    textTable([['operation', ...head], ...rows]),
  ].join('\n')
}

function ratioOf({ ratio }: GrowthStep): string {
  return ratio.median.toFixed(2)
}
