import type { Appended } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { mend, open, prune, save, store } from './session-steps.ts'
import { trim } from './trim-steps.ts'
import { records, running } from './turn-steps.ts'

/** Keys of a session that a write needs. */
export type WriteKeys = [session: string, list: string, index: string, state: string, gone: string]

/** How a write to a session is bounded. */
export type WriteBounds = [
  ttlMs: number,
  max: number,
  keep: number,
  seal: string,
  id: string,
  title: string | Buffer,
]

type Args = [...WriteBounds, ifRev: number, ...messages: Buffer[]]

/**
 * Appends messages to a session: dedupe, trim at a turn, index, time to live. One atomic step. An
 * `ifRev` below 0 stands for none.
 */
export const append: Script<WriteKeys, Args, Appended> = script(
  /* lua */ `
    ${open(8)}
    local expected = tonumber(ARGV[7])
    if expected >= 0 and expected ~= rev then return { 'conflict', rev } end
    ${mend}
    ${store(8)}
    ${trim(`
      ${records}
      ${running}
      local stays = running(read(meta[6]))
    `)}
    ${save}
    ${prune}
    return { 'appended', rev, seq, added, duplicates, trimmed, created }
  `,
  (raw) => {
    const [kind, ...numbers] = raw as [Appended['kind'], ...number[]]
    const [rev = 0, seq = 0, added = 0, duplicates = 0, trimmed = 0, created] = numbers
    if (kind === 'forgotten') return { kind }
    if (kind === 'conflict') return { kind, rev }
    return { kind, rev, seq, added, duplicates, trimmed, created: created === 1 && added > 0 }
  },
)
