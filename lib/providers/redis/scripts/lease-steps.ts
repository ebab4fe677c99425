/** Lua: `hold(key, lease, ms)` holds a slot from now on; the key lives as long as its longest lease. */
export const holding = /* lua */ `
    local function hold(key, lease, ms)
      redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
      redis.call('ZADD', key, now + ms, lease)
      if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
    end
`

/**
 * Lua: `concurrency(key, limit, window, lease)` opens slots, a ZSET of leases by their ends. What
 * holds a slot already is asked for no other. Needs `hold`.
 */
export const leaseSteps = /* lua */ `
    local function concurrency(key, limit, window, lease)
      local from = '(' .. string.format('%.0f', now)
      local ends = tonumber(redis.call('ZSCORE', key, lease) or nil)
      local stands, dirty = redis.call('ZCOUNT', key, from, '+inf'), nil
      local b = { level = stands, cap = limit, held = ends ~= nil and ends > now }
      function b.back(amount)
        if stands == 0 then return window end
        local at = math.min(amount, stands) - 1
        local slot = redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', at, 1)
        return math.max(1, tonumber(slot[2]) - now)
      end
      function b.take()
        if not b.held then b.level = b.level + 1 end
        dirty = 'hold'
        return now + window
      end
      function b.give()
        if b.held then b.level, dirty = b.level - 1, 'free' end
      end
      function b.save()
        if dirty == 'hold' then hold(key, lease, window) end
        if dirty == 'free' then redis.call('ZREM', key, lease) end
        stands = b.level
      end
      return b
    end
`
