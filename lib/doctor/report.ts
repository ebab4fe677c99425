import type { Finding, FindingStatus } from './finding.ts'

/** How many checks ended how. */
export type Counts = Readonly<Record<FindingStatus, number>>

/** Counts findings by their status. */
export function countsOf(findings: readonly Finding[]): Counts {
  const of = (status: FindingStatus) => findings.filter((each) => each.status === status).length
  return { ok: of('ok'), warning: of('warning'), failure: of('failure'), unknown: of('unknown') }
}

const codes: Readonly<Record<FindingStatus, number>> = {
  ok: 32,
  warning: 33,
  failure: 31,
  unknown: 36,
}

/** Findings as lines of text, with a summary as the last one. */
export function report(
  findings: readonly Finding[],
  { colours }: { readonly colours: boolean },
): string {
  const rows = merged(findings)
  const width = Math.max(...rows.map(({ name }) => (name.length > 20 ? 0 : name.length)))
  const lines = rows.flatMap(({ name, status, found, fix }) => {
    const word = status.padEnd(7)
    const shown = colours ? `\x1b[${codes[status]}m${word}\x1b[0m` : word
    const indent = ' '.repeat(7 + 2 + width + 2)
    const first = `${shown}  ${name.padEnd(width)}  ${found}`
    return fix === undefined ? [first] : [first, `${indent}${fix}`]
  })
  return `${[...lines, '', summary(countsOf(findings))].join('\n')}\n`
}

/** What could not be looked at for one reason is one line. */
function merged(findings: readonly Finding[]): readonly Finding[] {
  const rows: Finding[] = []
  for (const finding of findings) {
    const at = rows.findIndex(
      ({ status, found }) => status === 'unknown' && found === finding.found,
    )
    const row = rows[at]
    if (row === undefined) rows.push(finding)
    else rows[at] = { ...row, name: `${row.name}, ${finding.name}` }
  }
  return rows
}

function summary({ ok, warning, failure, unknown }: Counts): string {
  const failures = failure === 1 ? '1 failure' : `${failure} failures`
  const warnings = warning === 1 ? '1 warning' : `${warning} warnings`
  return `${failures}, ${warnings}, ${ok} ok, ${unknown} unknown`
}
