import type { Written } from '../../../ports/turns.ts'
import { type Script, script } from '../script.ts'
import { clock, holding, records } from './turn-steps.ts'

type Keys = [session: string, pieces: string]
type Args = [
  turn: string,
  token: string,
  leaseMs: number,
  keepMs: number,
  ...batch: [] | [last: number, bytes: Buffer],
]

// Of 25 ms each: more than a quarter of an hour. A stream drops whole nodes.
const mostBatches = 40_000

/** Keeps a batch of a turn's pieces, tells those who watch, and renews the lease. */
export const write: Script<Keys, Args, Written> = script(
  /* lua */ `
    local session, pieces = KEYS[1], KEYS[2]
    ${clock}
    ${records}
    ${holding}
    local meta = redis.call('HMGET', session, 'turns', 'watched')
    local mine = held(meta[1], ARGV[1], ARGV[2])
    if not mine or mine.state == 'ended' then return 'lost' end

    local new = false
    if ARGV[5] then
      local done = redis.pcall('XADD', pieces, 'MAXLEN', '~', ${mostBatches}, ARGV[5] .. '-0', 'b', ARGV[6])
      new = type(done) ~= 'table'
      -- Sent once more: it is there already.
      if not new and not string.find(done.err, 'equal or smaller', 1, true) then return done end
    end
    -- Until the turn is ended: whoever answers may die, and the next to read may come late.
    local left = redis.call('PTTL', session)
    if left < 0 then redis.call('PERSIST', pieces)
    else redis.call('PEXPIRE', pieces, math.max(left, tonumber(ARGV[4]))) end
    redis.call('HSET', session, 'turns', replaced(change(mine, mine.state, now + tonumber(ARGV[3]))))
    -- Whoever may not publish still answers: nobody watches then.
    if new and (tonumber(meta[2]) or 0) > now then
      redis.pcall('PUBLISH', pieces, 'b' .. ARGV[5] .. '|' .. ARGV[6])
    end
    return mine.state == 'stopping' and 'stopping' or 'written'
  `,
  (raw) => raw as Written,
)
