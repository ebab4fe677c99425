import type { TestServer } from '../test/support/redis.ts'
import { startProbe } from './probe.ts'
import type { BudgetsResult } from './probes/budgets.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** Algorithms, and the two forms of `sliding`. */
const budgetKinds = ['sliding', 'sliding, up to 24', 'fixed', 'gcra', 'concurrency'] as const

/** One of them. */
export type BudgetKind = (typeof budgetKinds)[number]

/** What budgets of one kind take, as full as they get. */
export interface BudgetsLine {
  readonly kind: BudgetKind
  /** Of the largest key, on Redis. */
  readonly bytesOnRedis: number
  /** By which a process has grown that keeps so many of them, with what the work of that left behind. */
  readonly rssBytes: number
  /** By which its heap has grown. */
  readonly heapBytes: number
  readonly keys: number
  /** Of these, those that were not there any more at the end. */
  readonly lost: number
}

/** More than this is an error. */
const most = { bytesOnRedis: 300, heapBytes: 64 * 1024 ** 2 }

const onRedis = 100
const inProcess = 100_000

type Client = ReturnType<TestServer['client']>

/** Fills each store with budgets of each kind, and weighs them. */
export async function measureBudgets(
  server: TestServer,
  compiled: string,
): Promise<readonly BudgetsLine[]> {
  const client = server.client()
  const lines: BudgetsLine[] = []
  for (const kind of budgetKinds) {
    await client.flushall()
    const stored = await probed(compiled, [kind, `${onRedis}`, `${server.url}/0`])
    if (stored.kept !== onRedis) throw new Error(`${stored.kept} of ${onRedis} budgets are there`)
    const bytesOnRedis = await largest(client)
    const { kept, rssBytes, heapBytes } = await probed(compiled, [kind, `${inProcess}`])
    const lost = inProcess - kept
    lines.push({ kind, bytesOnRedis, rssBytes, heapBytes, keys: inProcess, lost })
  }
  client.disconnect()
  return lines
}

async function probed(compiled: string, args: readonly string[]): Promise<BudgetsResult> {
  const probe = startProbe(compiled, 'budgets', args)
  const found = await probe.ask<BudgetsResult>()
  await probe.end()
  return found
}

async function largest(client: Client): Promise<number> {
  let bytes = 0
  for await (const keys of client.scanStream())
    for (const key of keys as string[])
      bytes = Math.max(bytes, Number(await client.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')))
  return bytes
}

/** Sentences about what takes too much. */
export function wrongBudgets(lines: readonly BudgetsLine[]): string[] {
  return lines.flatMap(({ kind, bytesOnRedis, heapBytes, keys, lost }) => {
    const budgets = `${whole(keys)} budgets (${kind})`
    const wrong: string[] = []
    if (bytesOnRedis > most.bytesOnRedis)
      wrong.push(
        `A budget (${kind}) should take at most ${most.bytesOnRedis} bytes on Redis, and it takes ${bytesOnRedis}`,
      )
    if (heapBytes > most.heapBytes)
      wrong.push(
        `${budgets} should take at most ${inMiB(most.heapBytes)} MiB of heap, and they take ${inMiB(heapBytes)}`,
      )
    if (lost > 0) wrong.push(`${whole(lost)} of ${budgets} were pushed out`)
    return wrong
  })
}

/** The lines as text. */
export function budgetsText(lines: readonly BudgetsLine[]): string {
  const rows = lines.map(({ kind, bytesOnRedis, rssBytes, heapBytes }) => [
    kind,
    whole(bytesOnRedis),
    inMiB(rssBytes),
    inMiB(heapBytes),
  ])
  return [
    `Budgets, as full as they get: bytes of one on Redis, and MiB by which a process grows that keeps ${whole(inProcess)}`,
    textTable([['budget', 'bytes', 'RSS', 'heap'], ...rows]),
  ].join('\n')
}

function inMiB(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
