/**
 * Lua: `fixed(key, limit, window)` opens a counter that ends with its window; given back whole it
 * stays until then. One that never ends was not left there by a script, and does not count.
 */
export const fixedSteps = /* lua */ `
    local function fixed(key, limit, window)
      local stored = redis.call('GET', key)
      local ends = stored and redis.call('PEXPIRETIME', key) or -1
      if stored and not string.match(stored, '^%d+$') then foreign() end
      local fresh = ends < 0
      -- A clock that was set back by little must not cost anybody a settlement: marks are ends.
      local ahead = ends > now + window + 1000
      if fresh or ahead then ends = now + window end
      local count = math.min(tonumber(stored) or 0, most)
      local b = { level = fresh and 0 or count, cap = limit, ahead = ahead }
      function b.back() return math.max(ends - now, 1) end
      function b.take(cost)
        b.level = b.level + cost
        return ends
      end
      -- A charge of nothing begins no window: its debt counts in the one that runs by now, or begins it.
      function b.settle(mark, change, nothing)
        if fresh and mark > now then ends = mark end
        local since = nothing and mark > now and math.abs(ends - mark) < window
        if mark ~= ends and not since then return 0 end
        b.level = math.min(math.max(b.level + change, 0), most)
        return ends
      end
      function b.save()
        if fresh and b.level == 0 then return end
        local count = string.format('%.0f', b.level)
        if fresh or ahead then
          redis.call('SET', key, count, 'PXAT', ends)
        else
          redis.call('SET', key, count, 'KEEPTTL')
        end
      end
      return b
    end
`

/**
 * Lua: `gcra(key, limit, window, burst)` opens the generic cell rate algorithm as a leaking bucket
 * (ITU-T I.371, continuous-state form): it drains the limit in a window, and holds up to the burst.
 * Kept are the level and the microsecond it was true. A mark is when what its charge brought has
 * drained, so that what a settlement changes has its place on the same line.
 */
export const gcraSteps = /* lua */ `
    local function gcra(key, limit, window, burst)
      local stored = redis.call('GET', key)
      if stored and (#stored ~= 16 or string.byte(stored) ~= 3) then foreign() end
      local rate = limit / window / 1000
      local b = { level = 0, cap = tonumber(burst) or limit }
      if stored then
        local level, at = struct.unpack('>dI7', stored, 2)
        -- Below nothing, endless, or no number at all.
        if not (level >= 0 and level < math.huge) then foreign() end
        b.level = math.max(0, level - math.max(0, micros - at) * rate)
        b.ahead = at > micros
      end
      function b.back(amount) return math.max(1, math.ceil((amount - tiny) / rate / 1000)) end
      local function mark(at) return math.max(1, math.min(math.ceil(at), 9e18)) end
      function b.take(cost)
        b.level = b.level + cost
        return mark(micros + b.level / rate)
      end
      function b.settle(at, change)
        local before = (at - micros) * rate
        local after = before + change
        b.level = math.max(0, b.level + math.max(after, 0) - math.max(before, 0))
        return mark(at + change / rate)
      end
      function b.save()
        if b.level <= tiny then return redis.call('DEL', key) end
        local ends = math.min(now + b.back(b.level), most)
        redis.call('SET', key, '\\3' .. struct.pack('>dI7', b.level, micros), 'PXAT', ends)
      end
      return b
    end
`
