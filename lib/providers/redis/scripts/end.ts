import type { EndedTurn } from '../../../ports/turns.ts'
import { type Script, script } from '../script.ts'
import type { WriteBounds, WriteKeys } from './append.ts'
import { marked, marking, mend, open, prune, save, set, store } from './session-steps.ts'
import { trim } from './trim-steps.ts'
import { holding, lately, records, running } from './turn-steps.ts'

type Keys = [...WriteKeys, pieces: string]
type Args = [
  ...WriteBounds,
  turn: string,
  token: string,
  lapsed: number,
  keepMs: number,
  ...answer: Buffer[],
]

// Of turns that have ended, a session has so many records.
const most = 16

/**
 * Puts the record among those that have ended, with + where pieces are kept of it. Those whose pieces
 * are to go for it are `gone`.
 */
const ending = /* lua */ `
    local gone, ended, ends = {}, meta[10] or '', now + stay
    local till, count = match(meta[11] or '', '^(%d+):(%d+)$')
    till, count = tonumber(till) or 0, tonumber(count) or 0
    local line = format('%s %s %s ended %.0f', turn, token, pieces == 1 and '+' or '-', ends)
    if count == 0 or till <= now or string.find(ended, turn .. ' ', 1, true) then
      ${records}
      ${lately}
      local kept
      kept, gone = tidied(ended, turn, ${most - 1})
      kept[#kept + 1] = { line = line, ends = ends }
      setEnded(kept)
    else
      if count >= ${most} then
        local oldest, had = match(ended, '^(%S+) %S+ (%S+)')
        if had == '+' then gone[1] = oldest end
        ended, count = string.sub(ended, (string.find(ended, '\\n', 1, true) or 0) + 1), count - 1
      end
      ${set("'ended'", "ended .. '\\n' .. line")}
      ${set("'ends'", "format('%.0f:%d', math.min(till, ends), count + 1)")}
    end
`

/** Appends an answer, notes with its question where it is, and ends the turn. */
export const end: Script<Keys, Args, EndedTurn> = script(
  /* lua */ `
    ${open(11, { mid: 'ARGV[7]', fields: ['ended', 'ends'] })}
    ${mend}
    local turn, token, lapsed, stay = ARGV[7], ARGV[8], ARGV[9] == '1', tonumber(ARGV[10])

    -- Until when the turn is its holder's, and the text of others that run: nearly always of none.
    local holder, key, how, till = match(meta[6] or '', '^(%S+) (%S+) %S+ (%l+) (%d+)$')
    local ends, others = tonumber(till), ''
    local isOpen = how == 'running' or how == 'stopping'
    if not (holder == turn and key == token and isOpen and ends - now < 86400000) then
      ${records}
      ${holding}
      local mine = held(meta[6], turn, token)
      if not mine or mine.state == 'ended' then
        local before = held(meta[10], turn, token)
        if not before or over(before) then return { 'lost' } end
        ${marking}
        -- The same end once more; whoever has another answer comes too late.
        for at = 11, #ARGV do
          if not marked(match(ARGV[at], '^[^|]*')) then return { 'lost' } end
        end
        return { 'ended', rev, seq, 0, #ARGV - 10, 0 }
      end
      ends, others = mine.ends, replaced()
    end
    if lapsed and ends > now then return { 'held' } end

    ${store(11)}
    ${trim(`
      ${records}
      ${running}
      local stays = running(read(meta[6]))
      stays[turn] = true
    `)}
    local first, count = nil, added
    if added > 0 then
      first = math.max(seq - added + 1, oldest)
      count = seq - first + 1
    elseif duplicates > 0 then
      ${marking}
      first, count = marked(match(ARGV[11], '^[^|]*')), duplicates
    end
    if first then
      ${marked('turn')}
      if at then ${set("'i:' .. turn", "format('%d:%d:%d', at, first, count)")} end
    end
    ${set("'turns'", 'others')}
    local pieces = redis.call('PEXPIRE', KEYS[6], stay)
    ${ending}
    ${save}
    -- Whoever may not publish still answers: nobody watches then.
    if (tonumber(meta[7]) or 0) > now then redis.pcall('PUBLISH', KEYS[6], 'e') end
    for _, old in ipairs(gone) do
      if old ~= turn then redis.pcall('UNLINK', session .. ':t:' .. old) end
    end
    ${prune}
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
