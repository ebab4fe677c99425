import type { Changed } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { changeReply } from './change-reply.ts'
import { clock, places, renewal } from './fragments.ts'

type Keys = [session: string, list: string, index: string, gone: string, state: string]
type Args = [
  ttlMs: number,
  ifRev: number,
  seal: string,
  id: string,
  message: string,
  role: string,
  tokens: number,
  payload: Buffer,
]

/** Puts another content in the place of a message. */
export const update: Script<Keys, Args, Changed> = script(
  /* lua */ `
    ${clock}
    ${renewal}
    ${places}
    local session, list, index, gone, state = unpack(KEYS)
    local ttl, expected, seal, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
    local mid, role = ARGV[5], ARGV[6]
    if redis.call('EXISTS', gone) == 1 then return { 'forgotten' } end
    local meta = redis.call('HMGET', session, 'rev', 'seq', 'len', 'tokens', 'seal', 'system')
    if meta[5] and meta[5] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local rev, seq, len = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0, tonumber(meta[3]) or 0
    if expected >= 0 and expected ~= rev then return { 'conflict', rev } end
    local place, at, old = placeOf(session, list, mid, seq, len)
    if not place then return { 'absent' } end

    local header = at .. '|' .. mid .. '|'
    local entry = header .. role .. '|' .. ARGV[7] .. '|' .. ARGV[8]
    redis.call('LSET', list, place, entry)
    if meta[6] and string.sub(meta[6], 1, #header) == header then
      if role == 's' or role == 'd' then redis.call('HSET', session, 'system', entry)
      else redis.call('HDEL', session, 'system') end
    end
    local before = tonumber(string.match(old, '^%d+|[^|]*|%a|(%d+)|')) or 0
    local now = clock()
    local left = redis.call('PTTL', index)
    redis.call('HSET', session, 'rev', rev + 1, 'updated', now,
      'tokens', (tonumber(meta[4]) or 0) - before + tonumber(ARGV[7]))
    redis.call('ZADD', index, now, id)
    renew(index, ttl, left, session, list, state)
    return { 'changed', rev + 1 }
  `,
  changeReply,
)
