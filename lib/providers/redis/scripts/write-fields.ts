import type { FieldsWritten } from '../../../ports/fields.ts'
import { type Script, script } from '../script.ts'
import { clock, renewal } from './fragments.ts'

type Keys = [fields: string, gone: string, ...session: string[]]
type Args = [
  ttlMs: number,
  max: number,
  seal: string,
  id: string,
  expected: number,
  ...fields: (string | Buffer)[],
]

/**
 * Sets and deletes named values: all or none. Of a session's state its HASH, its list and the index
 * follow as keys. Fields follow as name, `1` or `0` for absent, bytes: first those expected.
 */
export const writeFields: Script<Keys, Args, FieldsWritten> = script(
  /* lua */ `
    ${clock}
    ${renewal}
    local fields, gone, session, list, index = unpack(KEYS)
    local ttl, max, seal, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
    if redis.call('EXISTS', gone) == 1 then return 'forgotten' end
    local meta = session and redis.call('HMGET', session, 'rev', 'seal')
    if meta and meta[2] and meta[2] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end

    local function value(name) return redis.call('HMGET', fields, name)[1] end
    local first = 6 + 3 * tonumber(ARGV[5])
    for at = 6, first - 1, 3 do
      if value(ARGV[at]) ~= (ARGV[at + 1] == '1' and ARGV[at + 2]) then return 'changed' end
    end
    local before, sets = redis.call('HLEN', fields), false
    local after = before
    for at = first, #ARGV, 3 do
      local there = value(ARGV[at])
      if ARGV[at + 1] == '1' then
        sets = true
        if not there then after = after + 1 end
      elseif there then
        after = after - 1
      end
    end
    if after > max and after > before then return 'full' end

    for at = first, #ARGV, 3 do
      if ARGV[at + 1] == '1' then redis.call('HSET', fields, ARGV[at], ARGV[at + 2])
      else redis.call('HDEL', fields, ARGV[at]) end
    end
    if session then
      local now = clock()
      local left = redis.call('PTTL', index)
      if meta[1] then
        redis.call('HSET', session, 'updated', now)
        redis.call('ZADD', index, now, id)
      elseif sets then
        -- A list without its session is of no use.
        redis.call('DEL', list)
        redis.call('HSET', session, 'rev', 1, 'seq', 0, 'len', 0, 'tokens', 0, 'seal', seal,
          'created', now, 'updated', now)
        redis.call('ZADD', index, now, id)
      end
      renew(index, ttl, left, session, list, fields)
    elseif ttl > 0 then
      redis.call('PEXPIRE', fields, ttl)
    else
      redis.call('PERSIST', fields)
    end
    return 'written'
  `,
  (raw) => ({ kind: raw as FieldsWritten['kind'] }),
)
