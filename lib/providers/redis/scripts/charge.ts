import type { Budget } from '../../../ports/budgets.ts'
import { type Script, script } from '../script.ts'

/** A budget, and what a refund of this charge must find again. */
export interface Charged extends Budget {
  readonly mark: number
}

/** Number of numbers the script returns for each budget. */
const width = 6

/**
 * Charges several budgets, all or none, on the server's clock.
 *
 * Four arguments a budget: algorithm (`s` sliding, `f` fixed), limit, window, cost. A sliding
 * budget of up to 24 keeps the time of each unit, packed in six bytes; above, a hash of twelfths of
 * a window, of which the current and twelve before count whole: never more than the limit in any
 * window. Where a limit has changed since, what is stored is read in its own form; times become
 * twelfths, twelfths stay. A fixed budget is a counter with a time to live. Redis returns whole
 * numbers only; a wait of -1 stands for never. The mark is the time of the charge, or the end of a
 * fixed window.
 */
export const charge: Script<string[], (string | number)[], Charged[]> = script(
  /* lua */ `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    local function stamps(key, window)
      local packed = redis.call('GET', key) or ''
      local live = {}
      for at = 1, #packed - 5, 6 do
        local stamp = struct.unpack('>I6', packed, at)
        if now - stamp < window then live[#live + 1] = stamp end
      end
      return live
    end

    local function exact(key, limit, window, cost)
      local live = stamps(key, window)
      local s = { used = #live, reset = 0, wait = 0 }
      if #live > 0 then s.reset = live[1] + window - now end
      local over = #live + cost - limit
      if over > 0 and over <= #live then s.wait = live[over] + window - now end
      function s.write()
        for _ = 1, cost do live[#live + 1] = now end
        for j, stamp in ipairs(live) do live[j] = struct.pack('>I6', stamp) end
        redis.call('SET', key, table.concat(live), 'PX', window)
        if s.used == 0 then s.reset = window end
      end
      return s
    end

    -- What stamps hold, as a hash of buckets would give it back.
    local function bucketed(key, window, span)
      local raw, counts = {}, {}
      for _, stamp in ipairs(stamps(key, window)) do
        local bucket = math.floor(stamp / span)
        counts[bucket] = (counts[bucket] or 0) + 1
      end
      for bucket, count in pairs(counts) do
        raw[#raw + 1] = bucket
        raw[#raw + 1] = count
      end
      return raw
    end

    local function buckets(key, limit, window, cost, stamped)
      local span = math.ceil(window / 12)
      local current = math.floor(now / span)
      local raw = stamped and bucketed(key, window, span) or redis.call('HGETALL', key)
      local live, dead, used = {}, {}, 0
      for j = 1, #raw, 2 do
        local bucket, count = tonumber(raw[j]), tonumber(raw[j + 1])
        if bucket >= current - 12 then
          live[#live + 1] = { bucket, count }
          used = used + count
        else
          dead[#dead + 1] = raw[j]
        end
      end
      table.sort(live, function(a, b) return a[1] < b[1] end)
      local function until_gone(bucket) return (bucket + 13) * span - now end
      local s = { used = used, reset = 0, wait = 0 }
      if #live > 0 then s.reset = until_gone(live[1][1]) end
      local over = used + cost - limit
      for _, each in ipairs(live) do
        if over <= 0 then break end
        over = over - each[2]
        s.wait = until_gone(each[1])
      end
      function s.write()
        if stamped then
          redis.call('DEL', key)
          if #raw > 0 then redis.call('HSET', key, unpack(raw)) end
        end
        if #dead > 0 then redis.call('HDEL', key, unpack(dead)) end
        redis.call('HINCRBY', key, current, cost)
        redis.call('PEXPIRE', key, span * 13)
        if s.used == 0 then s.reset = until_gone(current) end
      end
      return s
    end

    local function fixed(key, limit, window, cost)
      local left = redis.call('PTTL', key)
      -- A counter that never ends was not left there by this script.
      local used = left < 0 and 0 or tonumber(redis.call('GET', key) or '0')
      local s = { used = used, reset = math.max(left, 0), wait = math.max(left, 0), fixed = true }
      function s.write()
        if left < 0 then
          redis.call('SET', key, used + cost, 'PX', window)
          s.reset = window
        else
          redis.call('INCRBY', key, cost)
        end
      end
      return s
    end

    local function sliding(key, limit, window, cost)
      local kind = redis.call('TYPE', key).ok
      if kind == 'string' and limit > 24 then return buckets(key, limit, window, cost, true) end
      if kind == 'hash' or limit > 24 then return buckets(key, limit, window, cost) end
      return exact(key, limit, window, cost)
    end

    local algorithms = { s = sliding, f = fixed }
    local states, all = {}, true
    for i, key in ipairs(KEYS) do
      local at = (i - 1) * 4
      local limit, window, cost = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
      local s = algorithms[ARGV[at + 1]](key, limit, window, cost)
      s.allowed, s.limit, s.cost = s.used + cost <= limit, limit, cost
      all = all and s.allowed
      states[i] = s
    end

    local out = {}
    for i, s in ipairs(states) do
      if all and s.cost > 0 then
        s.write()
        s.used = s.used + s.cost
      end
      local wait = s.wait
      if s.allowed then wait = 0 elseif s.cost > s.limit then wait = -1 end
      local mark = s.fixed and redis.call('PEXPIRETIME', KEYS[i]) or now
      local remaining = math.max(0, s.limit - s.used)
      for _, n in ipairs({ s.allowed and 1 or 0, s.used, remaining, s.reset, wait, mark }) do
        out[#out + 1] = n
      end
    end
    return out
  `,
  (raw) => {
    const numbers = raw as number[]
    const budgets: Charged[] = []
    for (let at = 0; at < numbers.length; at += width) {
      const [allowed, used = 0, remaining = 0, resetMs = 0, wait = 0, mark = 0] = numbers.slice(
        at,
        at + width,
      )
      const retryMs = wait < 0 ? Number.POSITIVE_INFINITY : wait
      budgets.push({ allowed: allowed === 1, used, remaining, resetMs, retryMs, mark })
    }
    return budgets
  },
)
