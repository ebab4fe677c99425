import { type Script, script } from '../script.ts'

/** A budget after a refund. */
export interface Refunded {
  readonly used: number
  readonly resetMs: number
}

/**
 * Takes charges back, each only where its budget still holds it: a time that still counts, a twelfth
 * that is still there, a counter of the same window.
 *
 * Four arguments a budget: algorithm, window, cost, and the mark that the charge gave.
 */
export const refund: Script<string[], (string | number)[], Refunded[]> = script(
  /* lua */ `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)

    local function exact(key, window, cost, mark)
      local packed = redis.call('GET', key)
      local left, first, used = {}, 0, 0
      for at = 1, #packed - 5, 6 do
        local stamp = struct.unpack('>I6', packed, at)
        if stamp == mark and cost > 0 then
          cost = cost - 1
        else
          left[#left + 1] = string.sub(packed, at, at + 5)
          if now - stamp < window then
            used = used + 1
            if first == 0 then first = stamp end
          end
        end
      end
      if #left == 0 then
        redis.call('DEL', key)
      else
        redis.call('SET', key, table.concat(left), 'KEEPTTL')
      end
      return used, first == 0 and 0 or first + window - now
    end

    local function buckets(key, window, cost, mark)
      local span = math.ceil(window / 12)
      local bucket, current = math.floor(mark / span), math.floor(now / span)
      local held = tonumber(redis.call('HGET', key, bucket)) or 0
      if held > cost then
        redis.call('HINCRBY', key, bucket, -cost)
      else
        redis.call('HDEL', key, bucket)
      end
      local raw, used, first = redis.call('HGETALL', key), 0, nil
      for j = 1, #raw, 2 do
        local at = tonumber(raw[j])
        if at >= current - 12 then
          used = used + tonumber(raw[j + 1])
          if not first or at < first then first = at end
        end
      end
      return used, first and (first + 13) * span - now or 0
    end

    local function fixed(key, cost, mark)
      if redis.call('PEXPIRETIME', key) == mark then
        if redis.call('DECRBY', key, cost) <= 0 then redis.call('DEL', key) end
      end
      return tonumber(redis.call('GET', key) or '0'), math.max(redis.call('PTTL', key), 0)
    end

    local out = {}
    for i, key in ipairs(KEYS) do
      local at = (i - 1) * 4
      local window, cost = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
      local mark = tonumber(ARGV[at + 4])
      local kind = redis.call('TYPE', key).ok
      local used, reset = 0, 0
      if kind == 'none' then
        used, reset = 0, 0
      elseif ARGV[at + 1] == 'f' then
        used, reset = fixed(key, cost, mark)
      elseif kind == 'hash' then
        used, reset = buckets(key, window, cost, mark)
      else
        used, reset = exact(key, window, cost, mark)
      end
      out[#out + 1] = used
      out[#out + 1] = reset
    end
    return out
  `,
  (raw) => {
    const numbers = raw as number[]
    const budgets: Refunded[] = []
    for (let at = 0; at < numbers.length; at += 2)
      budgets.push({ used: numbers[at] ?? 0, resetMs: numbers[at + 1] ?? 0 })
    return budgets
  },
)
