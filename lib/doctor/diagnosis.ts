import type { Finding } from './finding.ts'
import { type Counts, countsOf } from './report.ts'

/** What a doctor has found. */
export interface Diagnosis {
  /** No check ended as `failure`. */
  readonly healthy: boolean
  /** How many checks ended how. */
  readonly counts: Counts
  /** One a check. */
  readonly findings: readonly Finding[]
}

/** Findings, with what they amount to. */
export function diagnosisOf(findings: readonly Finding[]): Diagnosis {
  const counts = countsOf(findings)
  return { healthy: counts.failure === 0, counts, findings }
}
