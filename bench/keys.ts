import type { Bed, Finding } from './finding.ts'
import { startProbe } from './probe.ts'
import type { KeysResult } from './probes/keys.ts'
import { whole } from './report.ts'
import { median, percentile } from './statistics.ts'
import { textTable } from './text-table.ts'

/** What is asked of a store, whatever else it holds. */
export type KeysOperation = 'history' | 'list' | 'list of many' | 'purge'

/** What an operation takes in stores of different sizes, the smallest first. */
interface KeysLine {
  readonly store: 'Redis' | 'in process'
  readonly operation: KeysOperation
  readonly keys: readonly number[]
  readonly medians: readonly number[]
  readonly p99s: readonly number[]
}

const names: Readonly<Record<KeysOperation, string>> = {
  history: 'memory.history(), the last 20',
  list: 'sessions.list(), 20 sessions',
  'list of many': 'sessions.list(), a tenth of all sessions',
  purge: 'store.purge({ tags }), of half of all keys',
}

/** Asks stores of each size the same, by turns. */
export async function measureKeys({ server, compiled, short }: Bed): Promise<Finding> {
  const sizes = short ? [1e3, 1e4] : [1e3, 1e4, 1e5, 1e6]
  const client = server.client()
  const lines: KeysLine[] = []
  const wrong: string[] = []
  for (const store of ['Redis', 'in process'] as const) {
    await client.flushall()
    const where = store === 'Redis' ? [server.url] : []
    const probe = startProbe(
      compiled,
      'keys',
      [sizes.join(), ...where],
      ['--max-old-space-size=8192'],
    )
    const found = await probe.ask<KeysResult>()
    await probe.end()
    lines.push(...linesOf(store, found))
    wrong.push(...wrongKeys(store, sizes, found))
  }
  await client.flushall()
  client.disconnect()
  return { figures: lines, text: keysText(lines), wrong }
}

function linesOf(store: KeysLine['store'], { keys, micros }: KeysResult): KeysLine[] {
  return (Object.keys(names) as KeysOperation[]).map((operation) => ({
    ...{ store, operation, keys },
    medians: micros[operation].map(median),
    p99s: micros[operation].map((each) => percentile(each, 0.99)),
  }))
}

/** Sentences about stores that hold too little to say anything, or give what was purged. */
export function wrongKeys(
  store: string,
  sizes: readonly number[],
  { keys, outlived }: Pick<KeysResult, 'keys' | 'outlived'>,
): string[] {
  const missing = sizes.filter((size, at) => (keys[at] ?? 0) < size)
  return [
    ...missing.map((size) => `A store (${store}) should hold ${whole(size)} keys, and holds fewer`),
    ...(outlived === 0 ? [] : [`${outlived} stores (${store}) gave a result that was purged`]),
  ]
}

function keysText(lines: readonly KeysLine[]): string {
  const keys = lines[0]?.keys.map((count) => 10 ** Math.floor(Math.log10(count))) ?? []
  const rows = lines.map(({ store, operation, medians, p99s }) => [
    `${names[operation]}, ${store}`,
    ...medians.map((micros, at) => `${whole(micros)} / ${whole(p99s[at] ?? Number.NaN)}`),
    growth(medians),
    growth(p99s),
  ])
  return [
    'A store that fills: microseconds, median / p99, by the keys in it; and how many times as long with the most of them',
    textTable([['operation', ...keys.map(whole), 'x', 'x p99'], ...rows]),
  ].join('\n')
}

function growth(values: readonly number[]): string {
  return ((values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN)).toFixed(2)
}
