import { RequestError, StoreError, UsageError } from '../errors.ts'
import type { Changed, Forgotten, Forked, Rewound } from '../ports/history.ts'

/** The error of a write for a user whose conversations are being forgotten. */
export function forgotten(operation: string): StoreError {
  return new StoreError(operation, 'conflict', {
    cause: new Error('The conversations of this user are being forgotten'),
    outcome: 'not-sent',
  })
}

/** The error of a write to a session that is not at the rev asked for. */
export function conflict(operation: string, rev: number, ifRev: number | undefined): StoreError {
  return new StoreError(operation, 'conflict', {
    cause: new Error(`The session is at rev ${rev}, not ${ifRev}`),
    outcome: 'not-sent',
  })
}

/** The error of a value that changed each time it was to be written. */
export function contended(operation: string): StoreError {
  return new StoreError(operation, 'conflict', {
    cause: new Error('Others wrote each time in between'),
    outcome: 'not-sent',
  })
}

/** What a client asked for is not there, or not this user's: nobody can tell which. */
export function notFound(): RequestError {
  return new RequestError(404, 'There is no such session or message')
}

type Refusal = Exclude<Changed | Rewound | Forked, { readonly rev: number }> | Forgotten

/** Gives what was done, or `undefined` where there was nothing to do it to. @throws StoreError 409 */
export function unlessRefused<Done extends { readonly kind: string }>(
  operation: string,
  result: Done | Refusal | { readonly kind: 'conflict'; readonly rev: number },
  ifRev?: number,
): Exclude<Done, { readonly kind: 'absent' | 'conflict' | 'forgotten' | 'exists' }> | undefined {
  if (result.kind === 'forgotten') throw forgotten(operation)
  if (result.kind === 'exists') throw contended(operation)
  if (result.kind === 'conflict') throw conflict(operation, (result as { rev: number }).rev, ifRev)
  if (result.kind === 'absent') return undefined
  return result as Exclude<Done, { readonly kind: 'absent' | 'conflict' | 'forgotten' | 'exists' }>
}

/** Checks a rev. @throws UsageError for anything that no change can have given. */
export function checkRev(ifRev: number | undefined): number | undefined {
  if (ifRev === undefined || (Number.isSafeInteger(ifRev) && ifRev >= 0)) return ifRev
  throw new UsageError(`ifRev must be a rev that an append gave, got ${String(ifRev)}`)
}
