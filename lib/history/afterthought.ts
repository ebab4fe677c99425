import type { SessionKeys } from '../keys.ts'
import type { Changes, Entry } from '../ports/history.ts'
import type { MemoryRules } from './scope.ts'

const tries = 5

/**
 * Keeps what came of messages some time after they were read, as long as the last of them is still
 * there: a session may have been deleted meanwhile, and a rewind gives positions anew.
 */
export async function keepAfterthought(
  { history, ttlMs }: Pick<MemoryRules, 'history' | 'ttlMs'>,
  keys: SessionKeys,
  last: Pick<Entry, 'seq' | 'id'>,
  changes: Changes,
): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const range = { limit: 1, before: last.seq + 1, ttlMs: undefined }
    const { meta, entries } = await history.read(keys, range)
    const [now] = entries
    if (meta === undefined || now?.seq !== last.seq || now.id !== last.id) return
    const { kind } = await history.amend(keys, changes, { ttlMs, ifRev: meta.rev })
    if (kind !== 'conflict') return
  }
}
