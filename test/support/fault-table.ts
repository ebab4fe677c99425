import assert from 'node:assert/strict'
import type { Counts } from './fault-run.ts'

interface Line {
  readonly fault: string
  readonly who: string
  readonly counts: Counts
}

const columns = {
  served: 'served',
  degraded: 'degraded',
  failed: 'failed',
  hung: 'hung',
  lost: 'lost',
  doubled: 'doubled',
  reordered: 'reordered',
  longestMs: 'longest ms',
  backMs: 'back ms',
  grownMb: 'grown MB',
} as const satisfies Record<keyof Counts, string>

const figures = Object.keys(columns) as readonly (keyof Counts)[]
const lines: Line[] = []

/**
 * Adds a line to the table that is printed after the last test. `who` is ours where it begins with the
 * name of a framework.
 */
export function tell(fault: string, who: string, counts: Counts): void {
  lines.push({ fault, who, counts })
}

/** What the contract promises while the store is away. */
export function holds(
  counts: Counts,
  { backMs = 2000, failed = 0 }: Partial<{ backMs: number; failed: number }> = {},
): void {
  const told = JSON.stringify(counts)
  assert.ok(counts.served > 0, `nothing was served: ${told}`)
  assert.ok(counts.failed <= failed, `failed: ${told}`)
  for (const none of ['hung', 'lost', 'doubled'] as const)
    assert.equal(counts[none], 0, `${none}: ${told}`)
  assert.ok(counts.longestMs <= 1000, `above a second: ${told}`)
  assert.ok(counts.backMs <= backMs, `back late: ${told}`)
  assert.ok(counts.grownMb <= 50, `grown: ${told}`)
}

/** The lines told so far as text, by fault, ours first; nothing where there are none. */
export function faultTable(told: readonly Line[] = lines): string {
  if (told.length === 0) return ''
  const rows = told
    .toSorted((a, b) => a.fault.localeCompare(b.fault) || ours(a) - ours(b))
    .map(({ fault, who, counts }) => [fault, who, ...figures.map((each) => cell(counts[each]))])
  return textOf([['fault', 'who', ...Object.values(columns)], ...rows])
}

function ours({ who }: Line): number {
  return /^(express|koa)\b(?!-)/.test(who) ? 0 : 1
}

function cell(figure: number): string {
  return Number.isNaN(figure) ? '-' : String(figure)
}

/** Two columns on the left, figures on the right. */
function textOf(rows: readonly (readonly string[])[]): string {
  const width = (at: number) => Math.max(...rows.map((row) => row[at]?.length ?? 0))
  return rows
    .map((row) =>
      row
        .map((text, at) => (at < 2 ? text.padEnd(width(at)) : text.padStart(width(at))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
