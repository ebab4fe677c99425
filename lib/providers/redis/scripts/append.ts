import type { Appended } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'

type Keys = [session: string, list: string, index: string]
type Args = [
  ttlMs: number,
  max: number,
  keep: number,
  ifRev: number,
  seal: string,
  id: string,
  title: Buffer,
  ...messages: (string | number | Buffer)[],
]

/**
 * Appends messages to a session: dedupe, trim at a turn, index, time to live. One atomic step.
 *
 * Messages follow as id, role letter, tokens, payload. An `ifRev` below 0 and a `ttlMs` of 0 stand
 * for none. Lists are read in pieces: `unpack` fails at some thousands of values.
 */
export const append: Script<Keys, Args, Appended> = script(
  /* lua */ `
    local session, list, index = KEYS[1], KEYS[2], KEYS[3]
    local ttl, max, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local expected, seal, id, title = tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    local meta = redis.call('HMGET', session, 'rev', 'seq', 'len', 'tokens', 'seal')
    local rev, seq = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0
    local len, tokens = tonumber(meta[3]) or 0, tonumber(meta[4]) or 0
    if meta[5] and meta[5] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    if expected >= 0 and expected ~= rev then return { -1, rev } end
    local created = meta[1] and 0 or 1

    -- A script that meets a command which the user may not run stops half way: what is beyond the
    -- known length and position was never acknowledged.
    local there, last, marked = redis.call('LLEN', list), seq, {}
    if len > 0 and there > len then
      redis.call('LTRIM', list, 0, len - 1)
    elseif there ~= len then
      -- One of the two keys was evicted or deleted alone: what is left is of no use.
      redis.call('DEL', session, list)
      len, tokens = 0, 0
    end

    local function mark(mid)
      local field = 'i:' .. mid
      if redis.call('HSETNX', session, field, seq + 1) == 0 then
        local at = tonumber(redis.call('HMGET', session, field)[1])
        if marked[mid] or at <= last then return false end
        redis.call('HSET', session, field, seq + 1)
      end
      marked[mid] = true
      return true
    end

    local system
    local function store(first, last)
      local added = {}
      for i = first, last, 4 do
        local mid, role = ARGV[i], ARGV[i + 1]
        if mark(mid) then
          seq = seq + 1
          tokens = tokens + tonumber(ARGV[i + 2])
          local entry = seq .. '|' .. mid .. '|' .. role .. '|' .. ARGV[i + 2] .. '|' .. ARGV[i + 3]
          if role == 's' or role == 'd' then system = entry end
          added[#added + 1] = entry
        end
      end
      if #added > 0 then len = redis.call('RPUSH', list, unpack(added)) end
      return #added
    end

    local sent, added = (#ARGV - 7) / 4, 0
    for first = 8, #ARGV, 1024 do
      added = added + store(first, math.min(first + 1023, #ARGV))
    end

    local function role(entry) return string.match(entry, '^%d+|[^|]*|(%a)') end

    -- The place at or after from where a turn begins; else the first that is no tool result.
    local function turn(from)
      local fallback
      for at = from, len - 1, 64 do
        local piece = redis.call('LRANGE', list, at, at + 63)
        for j, entry in ipairs(piece) do
          local r = role(entry)
          if r == 'u' then return at + j - 1 end
          if r ~= 't' and not fallback then fallback = at + j - 1 end
        end
      end
      return fallback or from
    end

    local trimmed = 0
    if len > max then
      trimmed = turn(len - keep)
      for at = 0, trimmed - 1, 512 do
        local ids = {}
        local piece = redis.call('LRANGE', list, at, math.min(at + 511, trimmed - 1))
        for _, entry in ipairs(piece) do
          local mid, t = string.match(entry, '^%d+|([^|]*)|%a|(%d+)|')
          if mid then
            ids[#ids + 1] = 'i:' .. mid
            tokens = tokens - tonumber(t)
          end
        end
        if #ids > 0 then redis.call('HDEL', session, unpack(ids)) end
      end
      redis.call('LTRIM', list, trimmed, -1)
      len = len - trimmed
    end

    local fresh = redis.call('EXISTS', index) == 0
    if added > 0 then
      rev = rev + 1
      redis.call('HSET', session, 'rev', rev, 'seq', seq, 'len', len, 'tokens', tokens,
        'seal', seal, 'updated', now)
      redis.call('HSETNX', session, 'created', now)
      if title ~= '' then redis.call('HSETNX', session, 'title', title) end
      if system then redis.call('HSET', session, 'system', system) end
      redis.call('ZADD', index, now, id)
    end
    if ttl > 0 then
      redis.call('PEXPIRE', session, ttl)
      redis.call('PEXPIRE', list, ttl)
      local left = redis.call('PTTL', index)
      if fresh or (left >= 0 and left < ttl) then redis.call('PEXPIRE', index, ttl) end
    else
      redis.call('PERSIST', session)
      redis.call('PERSIST', list)
      redis.call('PERSIST', index)
    end
    if added > 0 then
      -- Two of the oldest lines: the index shrinks faster than it grows. While a slot moves, a key
      -- that is not declared may be out of reach: that must not end the script.
      for _, old in ipairs(redis.call('ZRANGE', index, 0, 1)) do
        if redis.pcall('EXISTS', index .. ':' .. old) == 0 then redis.call('ZREM', index, old) end
      end
    end
    return { rev, seq, added, sent - added, trimmed, created }
  `,
  (raw) => {
    const [rev = 0, seq = 0, added = 0, duplicates = 0, trimmed = 0, created] = raw as number[]
    if (rev < 0) return { kind: 'conflict', rev: seq }
    return { kind: 'appended', rev, seq, added, duplicates, trimmed, created: created === 1 }
  },
)
