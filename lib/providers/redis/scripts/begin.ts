import type { Begun } from '../../../ports/turns.ts'
import { type Script, script } from '../script.ts'
import { metaFields, parseTurns } from '../session-record.ts'
import type { WriteBounds, WriteKeys } from './append.ts'
import { packedMeta, unpacked } from './packed-meta.ts'
import { marked, mend, open, prune, renew, save, set, store } from './session-steps.ts'
import { trim } from './trim-steps.ts'
import { lately, records, running } from './turn-steps.ts'

type Keys = [...WriteKeys, pieces: string]
type Args = [
  ...WriteBounds,
  token: string,
  runner: string,
  leaseMs: number,
  alone: number,
  question: Buffer,
]

/** What came of it, and the values of `metaFields` after it. */
interface Reply {
  readonly begun: Begun
  readonly values: readonly (Buffer | null)[]
}

// So many turns of a session run side by side, and so many records of those that have ended are kept.
const most = 16

// These are the last, and long: whoever begins a turn is told of those that run.
const withoutEnded = metaFields.slice(0, -1)

/**
 * Appends a question and takes its turn, unless another is in the way. Records of turns that ended
 * long ago go, with their pieces.
 */
export const begin: Script<Keys, Args, Reply> = script(
  /* lua */ `
    ${open(11, { fields: ['ends', 'updated', 'system', 'pinned', 'meta', 'summary'] })}
    ${mend}
    local token, runner, lease, alone = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10] == '1'
    local mid = mids[1]
    ${marked('mid')}
    local first, count = match(mark or '', '^%d+:(%d+):(%d+)$')
    if first then
      if ttl > 0 then ${renew()} end
      return { 'answered', ${packedMeta('session', withoutEnded)}, tonumber(first), tonumber(count) }
    end

    local own, pending
    local turns = format('%s %s %s running %.0f', mid, token, runner, now + lease)
    if meta[6] and meta[6] ~= '' then
      ${records}
      pending = {}
      for _, record in ipairs(read(meta[6])) do
        -- What has ended stands elsewhere; here it would be in everybody's way for good.
        if record.state ~= 'ended' then
          pending[#pending + 1] = record
          if record.turn == mid then own = record end
        end
      end
      local other = own or ((alone or #pending >= ${most}) and pending[1]) or nil
      if other and not (own and own.token == token) then
        if ttl > 0 then ${renew()} end
        local kind = other.ends <= now and 'lapsed' or own and 'running' or 'busy'
        return { kind, ${packedMeta('session', withoutEnded)}, other.line }
      end
      -- The first reply was lost, and the question comes again.
      if own then change(own, own.state, now + lease)
      else pending[#pending + 1] = { turn = mid, line = turns, state = 'running', ends = now + lease } end
      turns = written(pending)
    end

    ${store(11)}
    -- An earlier try at the same question counted its pieces from 1 as well. Not before anything is
    -- stored: a script that has deleted something may write although Redis is full.
    if not own then redis.call('UNLINK', KEYS[6]) end
    ${trim(`
      ${running}
      local stays = running(pending or {})
      stays[mid] = true
    `)}
    ${set("'turns'", 'turns')}
    local gone, till = {}, tonumber(match(meta[10] or '', '^%d+'))
    -- A question that was there may have been asked and ended before.
    if till and (till <= now or at) then
      ${records}
      ${lately}
      local kept
      kept, gone = tidied(redis.call('HMGET', session, 'ended')[1], mid, ${most})
      setEnded(kept)
    end
    ${save}
    for _, turn in ipairs(gone) do
      if turn ~= mid then redis.pcall('UNLINK', session .. ':t:' .. turn) end
    end
    ${prune}
    -- What has just been read and written need not be read again.
    local packed = cmsgpack.pack({
      revs, seqs, lens, sums, meta[8] or stamp, added > 0 and stamp or meta[11],
      meta[9] or (added > 0 and title ~= '' and title), meta[12], seal, meta[13], meta[14], meta[15], turns,
    })
    return { 'begun', packed, rev, seq, trimmed, created, 1 - added }
  `,
  (raw) => {
    const [kind, packed, ...rest] = raw as [Buffer, Buffer?, ...unknown[]]
    const begun = begunAs(kind.toString() as Begun['kind'], rest)
    return { begun, values: packed ? unpacked(packed) : [] }
  },
  { binary: true },
)

function begunAs(kind: Begun['kind'], rest: readonly unknown[]): Begun {
  if (kind === 'forgotten') return { kind }
  if (kind === 'answered' || kind === 'begun') {
    const [first = 0, second = 0, trimmed = 0, created, again] = rest as number[]
    if (kind === 'answered') return { kind, first, count: second }
    return { kind, rev: first, seq: second, trimmed, created: created === 1, again: again === 1 }
  }
  const [record] = parseTurns(rest[0] as Buffer)
  if (record === undefined) throw new TypeError('A turn has no record')
  return { kind, record }
}
