import { createStore } from '../../lib/index.ts'
import { partition } from '../../lib/keys.ts'
import { demandOf } from '../../lib/limit/demand.ts'
import { checkRule, type Rule } from '../../lib/limit/rule.ts'
import type { Charge } from '../../lib/ports/budgets.ts'
import type { BudgetKind } from '../budgets.ts'
import { storeAt } from './memories.ts'

/** What so many budgets take. */
export interface BudgetsResult {
  /** Budgets that are still there. */
  readonly kept: number
  /** By which this process and its heap have grown. */
  readonly rssBytes: number
  readonly heapBytes: number
}

const [, , given, count, url] = process.argv
const large = 1_000_000_000
// Marks are microseconds on Redis, and milliseconds in this process.
const twelfth = url === undefined ? 5000 : 5_000_000
const atOnce = 100
const warm = { users: 100, times: 50 }

/** As full as a budget gets: all its buckets hold something, all its units have a time of their own. */
const rules: Readonly<Record<BudgetKind, Rule<unknown>>> = {
  sliding: { limit: large, unit: 'tokens' },
  'sliding, up to 24': { limit: 24 },
  fixed: { limit: large, algorithm: 'fixed' },
  gcra: { limit: large, algorithm: 'gcra' },
  concurrency: { limit: 1, algorithm: 'concurrency', lease: '1m' },
}
const costs: Readonly<Record<BudgetKind, number>> = {
  sliding: 1,
  'sliding, up to 24': 24,
  fixed: 999_999_999,
  gcra: 999_999_999,
  concurrency: 1,
}

const kind = given as BudgetKind
const rule = checkRule('rule', { name: 'tpm', ...rules[kind] })
// What is kept where nobody says otherwise.
const store = url === undefined ? createStore() : storeAt(url)
// Code and connections are there before it is weighed, and the room that work on a few keys takes.
for (let times = 0; times < warm.times; times += 1) await fill(warm.users)
await store.budgets.clear(await store.keys('limit:*'))

const before = weight()
await fill(Number(count))
const after = weight()
const result: BudgetsResult = {
  kept: (await store.keys('limit:*')).length,
  rssBytes: after.rss - before.rss,
  heapBytes: after.heapUsed - before.heapUsed,
}
process.send?.(result)
await store.close()
process.disconnect()

async function fill(users: number): Promise<void> {
  for (let from = 0; from < users; from += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, users - from) }, (_, at) => use(from + at))
    await Promise.all(some)
  }
}

/** Everybody has an id as databases give them. */
async function use(at: number): Promise<void> {
  const user = partition('user', `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`)
  const { charge } = demandOf(rule, {
    partition: user,
    limit: Number(rule.limit),
    cost: costs[kind],
  })
  const [budget] = await store.budgets.charge([charge])
  if (kind === 'sliding') await spread(charge, budget?.mark ?? 0)
}

/** Debts of charges in each twelfth of the window. */
async function spread(charge: Charge, latest: number): Promise<void> {
  const { key, algorithm, limit, windowMs } = charge
  const settlements = Array.from({ length: 13 }, (_, ago) => ({
    ...{ key, algorithm, limit, windowMs, charged: 0, cost: 70_000_000 + ago },
    mark: latest - ago * twelfth,
  }))
  await store.budgets.settle(settlements)
}

function weight(): { rss: number; heapUsed: number } {
  if (globalThis.gc === undefined) throw new Error('Heaps are compared with --expose-gc only')
  for (let times = 0; times < 3; times += 1) globalThis.gc()
  return process.memoryUsage()
}
