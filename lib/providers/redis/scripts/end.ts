import type { EndedTurn } from '../../../ports/turns.ts'
import { type Script, script } from '../script.ts'
import type { WriteBounds, WriteKeys } from './append.ts'
import { mend, open, save, store } from './session-steps.ts'
import { trim } from './trim-steps.ts'
import { holding, records, running } from './turn-steps.ts'

type Keys = [...WriteKeys, pieces: string]
type Args = [
  ...WriteBounds,
  turn: string,
  token: string,
  lapsed: number,
  keepMs: number,
  ...answer: Buffer[],
]

/** Appends an answer, notes with its question where it is, and ends the turn. */
export const end: Script<Keys, Args, EndedTurn> = script(
  /* lua */ `
    ${open(11, 'ARGV[7]')}
    ${mend}
    ${store}
    ${trim}
    ${save}
    ${records}
    ${holding}
    local turn, token, lapsed, stay = ARGV[7], ARGV[8], ARGV[9] == '1', tonumber(ARGV[10])
    local mine = held(meta[6], turn, token)
    if not mine or over(mine) then return { 'lost' } end
    if mine.state == 'ended' then
      -- The same end once more; whoever has another answer comes too late.
      for at = 11, #ARGV do
        if not marked(idOf(ARGV[at])) then return { 'lost' } end
      end
      return { 'ended', rev, seq, 0, #ARGV - 10, 0 }
    end
    if lapsed and mine.ends > now then return { 'held' } end

    local added, duplicates = store(11)
    local stays = {}
    if added > 0 and len > max then
      ${running}
      stays = running(read(meta[6]))
    end
    stays[turn] = true
    local trimmed, floor = trim(added, stays)
    local first, count = nil, added
    if added > 0 then
      first = math.max(seq - added + 1, floor)
      count = seq - first + 1
    elseif duplicates > 0 then
      first, count = marked(idOf(ARGV[11])), duplicates
    end
    local at = first and marked(turn)
    if at then set('i:' .. turn, at .. ':' .. first .. ':' .. count) end
    set('turns', replaced(change(mine, 'ended', now + stay)))
    redis.call('PEXPIRE', KEYS[6], stay)
    local lines = save(added)
    tell(meta[7], KEYS[6], 'e')
    if lines > 0 then prune() end
    return { 'ended', rev, seq, added, duplicates, trimmed }
  `,
  (raw) => {
    const [kind, rev = 0, seq = 0, added = 0, duplicates = 0, trimmed = 0] = raw as [
      EndedTurn['kind'],
      ...number[],
    ]
    return kind === 'ended' ? { kind, rev, seq, added, duplicates, trimmed } : { kind }
  },
)
