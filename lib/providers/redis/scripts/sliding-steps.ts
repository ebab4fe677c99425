/**
 * Lua: `sliding(key, limit, window)` opens a budget of which no window, wherever it starts, holds
 * more than the limit. Packed in one string: the microseconds of units, seven bytes each, for limits
 * of up to 24; above, twelfths of a window, as the number of the first and, of each, how much later
 * it is and how much it counts. The current twelfth and twelve before it count whole. Times become
 * twelfths where the limit or a debt asks for it; twelfths stay until they are over. A time that lies
 * ahead, as the clock of another server may leave it, becomes now. A mark is the microsecond of
 * the charge.
 */
export const slidingSteps = /* lua */ `
    local exactUpTo = 24

    local function twelfths(key, limit, window)
      local span = math.ceil(window / 12)
      local current = math.floor(now / span)
      local numbers, counts = {}, {}
      local function form(length) return '>BI6' .. string.rep('BI7', length) end
      local b = { level = 0, cap = limit }

      -- Negative amounts give back, at most what is there.
      function b.put(number, amount)
        if number > current then number, b.ahead = current, true end
        if number < current - 12 then return false end
        local at = #numbers
        while at > 0 and numbers[at] > number do at = at - 1 end
        if numbers[at] ~= number then
          at = at + 1
          table.insert(numbers, at, number)
          table.insert(counts, at, 0)
        end
        local count = math.min(math.max(counts[at] + amount, 0), most)
        b.level = b.level + count - counts[at]
        counts[at] = count
        if count == 0 then
          table.remove(numbers, at)
          table.remove(counts, at)
        end
        return true
      end
      local function goneIn(at) return (numbers[at] + 13) * span - now end
      function b.back(amount)
        for at, count in ipairs(counts) do
          amount = amount - count
          if amount <= 0 then return goneIn(at) end
        end
        return goneIn(#numbers)
      end
      function b.take(cost)
        b.put(current, cost)
        return micros
      end
      function b.settle(mark, change)
        return b.put(math.floor(mark / 1000 / span), change) and mark or 0
      end
      function b.save()
        if #numbers == 0 then return redis.call('DEL', key) end
        local first, parts = numbers[1], {}
        for at = 1, #numbers do
          parts[2 * at - 1], parts[2 * at] = numbers[at] - first, counts[at]
        end
        local packed = struct.pack(form(#numbers), 2, first, unpack(parts))
        redis.call('SET', key, packed, 'PXAT', now + goneIn(#numbers))
      end
      function b.load(packed)
        local parts = { struct.unpack(form((#packed - 7) / 8), packed) }
        for at = 3, #parts - 1, 2 do
          local number, count = parts[2] + parts[at], parts[at + 1]
          if count > most then foreign() end
          if number > current then
            b.put(number, count)
          elseif number >= current - 12 then
            numbers[#numbers + 1], counts[#counts + 1] = number, count
            b.level = b.level + count
          end
        end
        return b
      end
      function b.count(time) b.put(math.floor(time / 1000 / span), 1) end
      return b
    end

    local function exact(key, limit, window, times)
      local function time(at) return (struct.unpack('>I7', times, at * 7 - 6)) end
      local units, gone, first = #times / 7, 0, micros - window * 1000
      local ahead = units > 0 and time(units) > micros
      if ahead then
        local parts = {}
        for at = 1, units do parts[at] = struct.pack('>I7', math.min(time(at), micros)) end
        times = table.concat(parts)
      end
      while gone < units and time(gone + 1) <= first do gone = gone + 1 end
      times = string.sub(times, gone * 7 + 1)
      local b = { level = units - gone, cap = limit, ahead = ahead }

      function b.back(amount) return math.ceil((time(math.min(amount, b.level)) - first) / 1000) end
      function b.take(cost)
        times = times .. string.rep(struct.pack('>I7', micros), cost)
        b.level = b.level + cost
        return micros
      end
      function b.twelfths()
        local other = twelfths(key, limit, window)
        other.ahead = ahead
        for at = 1, b.level do other.count(time(at)) end
        return other
      end
      function b.settle(mark, change)
        if mark <= first then return 0 end
        if b.level + change > exactUpTo then
          local other = b.twelfths()
          mark = other.settle(mark, change)
          b.level, b.back, b.save = other.level, other.back, other.save
          return mark
        end
        local parts, spent = {}, false
        local function spend()
          if not spent and change > 0 then
            parts[#parts + 1] = string.rep(struct.pack('>I7', mark), change)
          end
          spent = true
        end
        for at = 1, b.level do
          local each = time(at)
          if each > mark then spend() end
          if each == mark and change < 0 then
            change = change + 1
          else
            parts[#parts + 1] = string.sub(times, at * 7 - 6, at * 7)
          end
        end
        spend()
        times = table.concat(parts)
        b.level = #times / 7
        return mark
      end
      function b.save()
        if b.level == 0 then return redis.call('DEL', key) end
        local ends = math.floor(time(b.level) / 1000) + window
        redis.call('SET', key, '\\1' .. times, 'PXAT', math.max(now + 1, ends))
      end
      return b
    end

    local function sliding(key, limit, window)
      local stored = redis.call('GET', key) or ''
      local form = string.byte(stored)
      if form == 2 and #stored % 8 == 7 then
        local b = twelfths(key, limit, window).load(stored)
        if b.level > 0 or limit > exactUpTo then return b end
        return exact(key, limit, window, '')
      end
      if form and (form ~= 1 or #stored % 7 ~= 1) then foreign() end
      if not form and limit > exactUpTo then return twelfths(key, limit, window) end
      local b = exact(key, limit, window, string.sub(stored, 2))
      return limit > exactUpTo and b.twelfths() or b
    end
`
