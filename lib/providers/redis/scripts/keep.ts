import { type Script, script } from '../script.ts'

type Keys = [resource: string, variant: string, ...fill: [] | [fill: string]]
type Args = [
  variant: string,
  vary: string,
  head: Buffer,
  body: Buffer,
  ttlMs: number,
  maxVariants: number,
  ...fill: [] | [token: string],
]

/**
 * Keeps a cached response. A resource that does not vary is one hash; one that does is a hash of
 * what it varies by and when each variant ends (`v:<variant>`), beside a hash a variant. Nothing is
 * kept where somebody else holds its fill.
 */
export const keep: Script<Keys, Args, boolean> = script(
  /* lua */ `
    local resource, key = KEYS[1], KEYS[2]
    local variant, vary, head, body = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
    local ttl, max = tonumber(ARGV[5]), tonumber(ARGV[6])
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    if KEYS[3] then
      local fill = redis.call('HMGET', KEYS[3], 'token', 'how')
      if fill[1] and fill[1] ~= ARGV[7] and not fill[2] then return 0 end
    end

    local function write(at)
      -- A script that has deleted something may write although Redis is full: this comes first, and
      -- is refused then. It ends, should the script be stopped half way.
      redis.call('SET', at, '', 'PX', ttl)
      redis.call('DEL', at)
      redis.call('HSET', at, 'head', head, 'body', body)
      redis.call('PEXPIRE', at, ttl)
    end

    local raw = redis.call('HGETALL', resource)
    local ends, count, longest = {}, 0, ttl
    for j = 1, #raw, 2 do
      local name = string.match(raw[j], '^v:(.*)$')
      if name then ends[name] = tonumber(raw[j + 1]) end
    end
    local function forget(name)
      redis.pcall('UNLINK', resource .. ':' .. name)
      redis.call('HDEL', resource, 'v:' .. name)
      ends[name] = nil
    end

    if variant == '' then
      write(resource)
      for name in pairs(ends) do redis.pcall('UNLINK', resource .. ':' .. name) end
      return 1
    end

    write(key)
    ends[variant] = now + ttl
    local names = {}
    for name in pairs(ends) do names[#names + 1] = name end
    for _, name in ipairs(names) do
      if ends[name] <= now then forget(name) end
    end
    for _, at in pairs(ends) do
      count = count + 1
      longest = math.max(longest, at - now)
    end
    while count > max do
      local first
      for name, at in pairs(ends) do
        if name ~= variant and (not first or at < ends[first]) then first = name end
      end
      if not first then break end
      forget(first)
      count = count - 1
    end

    redis.call('HDEL', resource, 'head', 'body')
    redis.call('HSET', resource, 'vary', vary, 'v:' .. variant, ends[variant])
    redis.call('PEXPIRE', resource, longest)
    return 1
  `,
  (raw) => raw === 1,
)
