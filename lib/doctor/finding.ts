/**
 * How a check ended. `warning`: it works and may lose something. `failure`: it does not work, or has
 * lost something. `unknown`: it could not be looked at.
 */
export type FindingStatus = 'ok' | 'warning' | 'failure' | 'unknown'

/** What one check has found. */
export interface Finding {
  /** Of the check; stable over releases. */
  readonly name: string
  /** How the check ended. */
  readonly status: FindingStatus
  /** What was found, in one sentence. */
  readonly found: string
  /** What to do, naming the setting, option or command; absent where there is nothing to do. */
  readonly fix?: string
}

/** A finding whose check is named elsewhere. */
export type Verdict = Omit<Finding, 'name'>

/** All is well. */
export function ok(found: string): Verdict {
  return { status: 'ok', found }
}

/** It works and may lose something. */
export function warning(found: string, fix: string): Verdict {
  return { status: 'warning', found, fix }
}

/** It does not work, or has lost something. */
export function failure(found: string, fix: string): Verdict {
  return { status: 'failure', found, fix }
}

/** It could not be looked at. */
export function unknown(found: string, fix?: string): Verdict {
  return { status: 'unknown', found, ...(fix === undefined ? {} : { fix }) }
}

const worstFirst: readonly FindingStatus[] = ['failure', 'warning', 'unknown', 'ok']

/** What several servers have in common, or the worst of it, with the servers it holds for. */
export function worstOf(
  verdicts: readonly { readonly address: string; readonly verdict: Verdict }[],
): Verdict {
  const [first] = verdicts
  if (first === undefined) return unknown('No server was there to ask.')
  const rank = ({ verdict }: typeof first) => worstFirst.indexOf(verdict.status)
  const worst = verdicts.reduce((one, other) => (rank(other) < rank(one) ? other : one))
  const alike = verdicts.filter((each) => rank(each) === rank(worst))
  if (verdicts.length === 1 || (worst.verdict.status === 'ok' && alike.length === verdicts.length))
    return worst.verdict
  const others = alike.length === 1 ? '' : ` and ${alike.length - 1} more`
  return { ...worst.verdict, found: `On ${worst.address}${others}: ${worst.verdict.found}` }
}
