import type { Rewound } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { clock, places, renewal, shortening, turnDropping } from './fragments.ts'

type Keys = [session: string, list: string, index: string, gone: string, state: string]
type Args = [ttlMs: number, ifRev: number, seal: string, id: string, message: string]

/** Removes a message and all after it, with the turns whose question goes. */
export const rewind: Script<Keys, Args, Rewound> = script(
  /* lua */ `
    ${clock}
    ${renewal}
    ${places}
    ${shortening}
    ${turnDropping}
    local session, list, index, tomb, state = unpack(KEYS)
    local ttl, expected, seal, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
    if redis.call('EXISTS', tomb) == 1 then return { 'forgotten' } end
    local meta = redis.call('HMGET', session, 'rev', 'seq', 'len', 'tokens', 'seal', 'turns', 'ended')
    if meta[5] and meta[5] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local rev, seq, len = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0, tonumber(meta[3]) or 0
    if expected >= 0 and expected ~= rev then return { 'conflict', rev } end
    local place, cut = placeOf(session, list, ARGV[5], seq, len)
    if not place then return { 'absent' } end

    local gone = {}

    -- The text of the turns whose question stays.
    local function left(turns)
      local lines = {}
      for line in string.gmatch(turns or '', '[^\\n]+') do
        local turn = string.match(line, '^(%S+) ')
        local mark = turn and redis.call('HMGET', session, 'i:' .. turn)[1]
        local at = tonumber(string.match(mark or '', '^%d+'))
        if at and at >= cut then gone[#gone + 1] = line else lines[#lines + 1] = line end
      end
      return table.concat(lines, '\\n')
    end

    local turns, ended = left(meta[6]), left(meta[7])
    shorten(session, list, place, seq, len, tonumber(meta[4]) or 0)
    -- Whoever begins or ends the next turn counts those that have ended.
    if #gone > 0 then redis.call('HSET', session, 'turns', turns, 'ended', ended, 'ends', '0:0') end
    local now = clock()
    local lives = redis.call('PTTL', index)
    redis.call('HSET', session, 'rev', rev + 1, 'updated', now)
    redis.call('ZADD', index, now, id)
    renew(index, ttl, lives, session, list, state)
    dropTurns(session, table.concat(gone, '\\n'))
    return { 'rewound', rev + 1, len - place }
  `,
  (raw) => {
    const [kind, rev = 0, removed = 0] = raw as [Rewound['kind'], rev?: number, removed?: number]
    if (kind === 'rewound') return { kind, rev, removed }
    return kind === 'conflict' ? { kind, rev } : { kind }
  },
)
