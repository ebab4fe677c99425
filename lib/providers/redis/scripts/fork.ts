import type { Forked } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { clock, places, renewal, shortening } from './fragments.ts'

type Keys = [
  session: string,
  list: string,
  state: string,
  to: string,
  toList: string,
  toState: string,
  index: string,
  gone: string,
]
type Args = [ttlMs: number, seal: string, toSeal: string, toId: string, through: string]

/** Copies a session and shortens the copy; no message passes through the script. */
export const fork: Script<Keys, Args, Forked> = script(
  /* lua */ `
    ${clock}
    ${renewal}
    ${places}
    ${shortening}
    local session, list, state, to, toList, toState, index, gone = unpack(KEYS)
    local ttl, seal, toSeal = tonumber(ARGV[1]), ARGV[2], ARGV[3]
    if redis.call('EXISTS', gone) == 1 then return { 'forgotten' } end
    local there = redis.call('HMGET', to, 'rev', 'seal')
    local meta = redis.call('HMGET', session, 'rev', 'seq', 'len', 'tokens', 'seal')
    if (meta[5] and meta[5] ~= seal) or (there[2] and there[2] ~= toSeal) then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    if there[1] then return { 'exists' } end
    local seq, len = tonumber(meta[2]) or 0, tonumber(meta[3]) or 0
    -- A list that is shorter than its session was evicted or deleted alone.
    if not meta[1] or redis.call('LLEN', list) < len then return { 'absent' } end
    local place = len
    if ARGV[5] ~= '' then
      local last = placeOf(session, list, ARGV[5], seq, len)
      if not last then return { 'absent' } end
      place = last + 1
    end

    -- First: a script that has deleted something may write although Redis is full.
    redis.call('COPY', session, to, 'REPLACE')
    redis.call('DEL', toList, toState)
    if len > 0 then redis.call('COPY', list, toList) end
    redis.call('COPY', state, toState)
    if place < len then
      shorten(to, toList, place, seq, len, tonumber(meta[4]) or 0)
    else
      redis.call('LTRIM', toList, 0, len - 1)
    end
    local now = clock()
    local left = redis.call('PTTL', index)
    redis.call('HDEL', to, 'turns', 'ended', 'ends', 'watched', 'pinned')
    redis.call('HSET', to, 'rev', 1, 'created', now, 'updated', now, 'seal', toSeal)
    redis.call('ZADD', index, now, ARGV[4])
    renew(index, ttl, left, to, toList, toState)
    return { 'forked', 1, place }
  `,
  (raw) => {
    const [kind, rev = 0, length = 0] = raw as [Forked['kind'], rev?: number, length?: number]
    return kind === 'forked' ? { kind, rev, length } : { kind }
  },
)
