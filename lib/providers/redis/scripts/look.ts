import type { TurnRecord } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { parseTurns } from '../session-record.ts'
import { clock, records } from './turn-steps.ts'

/** A turn as its session knows it, and whether its lease runs. */
export interface Seen {
  readonly record: TurnRecord | undefined
  readonly live: boolean
}

type Args = [turn: string, watchMs: number, seal: string]

/** Finds a turn, or the newest; those who watch the session are told for so long. */
export const look: Script<[session: string], Args, Seen> = script(
  /* lua */ `
    local session = KEYS[1]
    ${clock}
    ${records}
    local meta = redis.call('HMGET', session, 'turns', 'watched', 'seal', 'ended')
    if meta[3] and meta[3] ~= ARGV[3] then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local found
    for _, record in ipairs(read((meta[4] or '') .. '\\n' .. (meta[1] or ''))) do
      if (ARGV[1] == '' or record.turn == ARGV[1]) and not over(record) then found = record end
    end
    if not found then return { '', 0 } end
    local pending = found.state ~= 'ended'
    local till = now + tonumber(ARGV[2])
    if pending and till > math.max(now, tonumber(meta[2]) or 0) then
      redis.call('HSET', session, 'watched', till)
    end
    return { found.line, pending and found.ends > now and 1 or 0 }
  `,
  (raw) => {
    const [line, live] = raw as [string, number]
    return { record: parseTurns(line)[0], live: live === 1 }
  },
)
