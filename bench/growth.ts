import type { TestServer } from '../test/support/redis.ts'
import { startProbe } from './probe.ts'
import type { GrowthResult, GrowthTimes } from './probes/growth.ts'
import { median, type Spread, spread } from './statistics.ts'
import { textTable } from './text-table.ts'

/** What one operation takes with 20 messages stored, and with 2,000. */
export interface GrowthLine {
  readonly store: 'Redis' | 'in process'
  readonly operation: string
  readonly fewMicros: number
  readonly manyMicros: number
  /** Of the second to the first, in the same round. */
  readonly ratio: Spread
}

const operations: Readonly<Record<keyof GrowthTimes, string>> = {
  append: 'append 2 messages',
  read: 'read the last 20',
}

/** Measures both stores. */
export async function measureGrowth(
  server: TestServer,
  { compiled, rounds }: { readonly compiled: string; readonly rounds: number },
): Promise<readonly GrowthLine[]> {
  const lines: GrowthLine[] = []
  for (const store of ['Redis', 'in process'] as const) {
    const where = store === 'Redis' ? [`${server.url}/0`] : []
    const probe = startProbe(compiled, 'growth', [`${rounds}`, ...where])
    const found = await probe.ask<GrowthResult>()
    await probe.end()
    for (const what of ['append', 'read'] as const) lines.push(lineOf(store, what, found))
  }
  return lines
}

function lineOf(
  store: GrowthLine['store'],
  what: keyof GrowthTimes,
  { few, many }: GrowthResult,
): GrowthLine {
  return {
    store,
    operation: operations[what],
    fewMicros: median(few[what]),
    manyMicros: median(many[what]),
    ratio: spread(many[what].map((micros, round) => micros / (few[what][round] ?? Number.NaN))),
  }
}

/** The lines as text. */
export function growthText(lines: readonly GrowthLine[]): string {
  const rows = lines.map(({ store, operation, fewMicros, manyMicros, ratio }) => [
    `${operation}, ${store}`,
    fewMicros.toFixed(0),
    manyMicros.toFixed(0),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)}`,
  ])
  return [
    'A conversation that grows: microseconds, median',
    textTable([['operation', '20 stored', '2,000 stored', 'ratio', 'min..max'], ...rows]),
  ].join('\n')
}
