import type { Changed } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { changeReply } from './change-reply.ts'
import { clock, renewal } from './fragments.ts'

type Keys = [session: string, list: string, index: string, gone: string, state: string]

/** What to change: before each value, `1` to set it, `0` to remove it, or nothing to leave it. */
export type AmendArgs = [
  ttlMs: number,
  ifRev: number,
  seal: string,
  id: string,
  title: string,
  titleBytes: Buffer,
  firstTitle: string,
  firstTitleBytes: Buffer,
  meta: string,
  metaBytes: Buffer,
  pinned: string,
  system: string,
  systemHeader: string,
  systemBytes: Buffer,
  summary: string,
  through: number,
  after: number,
  summaryBytes: Buffer,
]

/** Changes what stands beside the messages of a session, which it makes where there is none. */
export const amend: Script<Keys, AmendArgs, Changed> = script(
  /* lua */ `
    ${clock}
    ${renewal}
    local session, list, index, gone, state = unpack(KEYS)
    local ttl, expected, seal, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
    if redis.call('EXISTS', gone) == 1 then return { 'forgotten' } end
    local meta = redis.call('HMGET', session, 'rev', 'seq', 'len', 'seal', 'title', 'summary')
    if meta[4] and meta[4] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local rev, seq, len = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0, tonumber(meta[3]) or 0
    if expected >= 0 and expected ~= rev then return { 'conflict', rev } end
    local makes = ARGV[5] .. ARGV[9] .. ARGV[11] .. ARGV[12]
    if not meta[1] and makes == '' then return { 'absent' } end

    local now, changed = clock(), false
    local function change(op, field, bytes)
      if op == '' then return end
      changed = true
      if op == '1' then redis.call('HSET', session, field, bytes)
      else redis.call('HDEL', session, field) end
    end
    if not meta[1] then
      -- A list without its session is of no use.
      redis.call('DEL', list)
      redis.call('HSET', session, 'rev', 0, 'seq', 0, 'len', 0, 'tokens', 0, 'seal', seal,
        'created', now)
    end
    change(ARGV[5], 'title', ARGV[6])
    if ARGV[5] == '0' or (ARGV[5] == '' and not meta[5]) then change(ARGV[7], 'title', ARGV[8]) end
    change(ARGV[9], 'meta', ARGV[10])
    change(ARGV[11], 'pinned', '1')
    change(ARGV[12], 'system', seq .. '|' .. ARGV[13] .. ARGV[14])
    local through, after = tonumber(ARGV[16]), tonumber(ARGV[17])
    local reached = tonumber(string.match(meta[6] or '', '^%d+')) or 0
    if after == reached and through <= seq and through >= seq - len then
      change(ARGV[15], 'summary', ARGV[16] .. '|' .. ARGV[18])
    end

    local left = redis.call('PTTL', index)
    if changed then
      rev = rev + 1
      redis.call('HSET', session, 'rev', rev, 'updated', now)
      redis.call('ZADD', index, now, id)
    end
    renew(index, ttl, left, session, list, state)
    return { 'changed', rev }
  `,
  changeReply,
)
