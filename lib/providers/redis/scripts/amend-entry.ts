import { type Script, script } from '../script.ts'

type Keys = [resource: string, variant: string]
type Args = [variant: string, head: Buffer, ttlMs: number]

/** Replaces the head of a cached response that is there, and lets it live on. */
export const amendEntry: Script<Keys, Args, boolean> = script(
  /* lua */ `
    local resource, key, variant, head, ttl = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
    if not redis.call('HMGET', key, 'head')[1] then return 0 end
    if variant ~= '' then
      local place = 'v:' .. variant
      if not redis.call('HMGET', resource, place)[1] then return 0 end
      local time = redis.call('TIME')
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      redis.call('HSET', resource, place, string.format('%.0f', now + ttl))
      local raw, longest = redis.call('HGETALL', resource), ttl
      for j = 1, #raw, 2 do
        if string.find(raw[j], '^v:') then
          longest = math.max(longest, (tonumber(raw[j + 1]) or 0) - now)
        end
      end
      redis.call('PEXPIRE', resource, string.format('%.0f', longest))
    end
    redis.call('HSET', key, 'head', head)
    redis.call('PEXPIRE', key, ttl)
    return 1
  `,
  (raw) => raw === 1,
)
