import assert from 'node:assert/strict'
import { type DiagnoseOptions, diagnose, type Finding } from '../../lib/doctor.ts'
import { createStore, type StoreOptions } from '../../lib/index.ts'

/** Findings by their names. */
export type Findings = Readonly<Record<string, Finding>>

/** What a doctor finds on a store with these options. */
export async function findingsOn(
  options: StoreOptions,
  also: DiagnoseOptions = {},
): Promise<Findings> {
  const store = createStore(options)
  try {
    const { findings, healthy, counts } = await diagnose(store, also)
    assert.equal(healthy, counts.failure === 0)
    return byName(findings)
  } finally {
    await store.close()
  }
}

/** Findings by their names, of which there is one each. */
export function byName(findings: readonly Finding[]): Findings {
  assert.equal(new Set(findings.map(({ name }) => name)).size, findings.length)
  for (const { found, fix, status } of findings) {
    assert.match(found, /^[^\n]+\.$/)
    assert.equal(fix === undefined, status === 'ok' || (status === 'unknown' && fix === undefined))
  }
  return Object.fromEntries(findings.map((each) => [each.name, each]))
}

/** Asserts how a check ended, what its finding says and what its fix names. */
export function found(
  finding: Finding | undefined,
  status: Finding['status'],
  says: RegExp,
  names?: RegExp,
): void {
  assert.equal(finding?.status, status, JSON.stringify(finding))
  assert.match(finding.found, says)
  if (names !== undefined) assert.match(finding.fix ?? '', names)
}

/** The checks that did not end well; that this machine is busy is not the doctor's fault. */
export function troubles(findings: Findings): string[] {
  return Object.values(findings)
    .filter(({ status, found: what }) => status !== 'ok' && !/answers in \d/.test(what))
    .map(({ name, found: what }) => `${name}: ${what}`)
}
