import type { Changed } from '../../../ports/history.ts'

/** Reads what a change of a session did: kind and, of some kinds, `rev`. */
export function changeReply(raw: unknown): Changed {
  const [kind, rev = 0] = raw as [kind: Changed['kind'], rev?: number]
  return kind === 'changed' || kind === 'conflict' ? { kind, rev } : { kind }
}
