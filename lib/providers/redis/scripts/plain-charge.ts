/**
 * Lua: what most charges are, without the closures that all of them together need. It charges one
 * sliding budget that is not blocked, has room and keeps its form; gives the reply; and gives nothing,
 * having written nothing, for all else. Needs `moment`. See `charge` for the arguments, and
 * `slidingSteps` for what is kept.
 */
export const plainCharge = /* lua */ `
    -- Gives what is kept from now on, when the first of it and all of it end, and what is used.
    local function plainTwelfths(kept, limit, window, cost)
      local span = math.ceil(window / 12)
      local current = math.floor(now / span)
      if not kept then
        return struct.pack('>BI6BI7', 2, current, 0, cost), (current + 13) * span, (current + 13) * span, cost
      end
      if string.byte(kept) ~= 2 or #kept < 15 or #kept % 8 ~= 7 then return end
      local base = struct.unpack('>I6', kept, 2)
      local used, first, last, count = 0, nil, nil, 0
      for at = 8, #kept, 8 do
        local later, counted = struct.unpack('>BI7', kept, at)
        last, count = base + later, counted
        if last >= current - 12 then
          first = first or last
          used = used + count
        end
      end
      if first ~= base or last > current or used + cost > limit then return end
      if last == current then
        kept = string.sub(kept, 1, -8) .. struct.pack('>I7', count + cost)
      else
        kept = kept .. struct.pack('>BI7', current - base, cost)
      end
      return kept, (first + 13) * span, (current + 13) * span, used + cost
    end

    local function plainTimes(kept, limit, window, cost)
      local first, from, size = micros - window * 1000, 2, kept and #kept or 1
      if kept and (string.byte(kept) ~= 1 or size % 7 ~= 1) then return end
      if size > 1 and struct.unpack('>I7', kept, size - 6) > micros then return end
      while from < size and struct.unpack('>I7', kept, from) <= first do from = from + 7 end
      local used = (size + 1 - from) / 7 + cost
      if used > limit then return end
      kept = (kept and string.sub(kept, from) or '') .. string.rep(struct.pack('>I7', micros), cost)
      local ends = math.floor(micros / 1000) + window
      local gone = now + math.ceil((struct.unpack('>I7', kept) - first) / 1000)
      return '\\1' .. kept, gone, ends, used
    end

    local function plainCharge()
      local limit, window, cost = string.match(ARGV[2], '^s,(%d+),(%d+),(%d+),')
      if not limit then return end
      if #KEYS == 2 and redis.call('EXISTS', KEYS[2]) == 1 then return end
      limit, window, cost = tonumber(limit), tonumber(window), tonumber(cost)
      if cost == 0 or cost > limit or limit > most then return end
      local charged = limit > 24 and plainTwelfths or plainTimes
      local kept, gone, ends, used = charged(redis.call('GET', KEYS[1]), limit, window, cost)
      if not kept then return end
      redis.call('SET', KEYS[1], kept, 'PXAT', math.max(now + 1, ends))
      return { 1, used, limit - used, gone - now, 0, 0, micros }
    end

    if ARGV[1] == '1' and #ARGV == 2 then
      local reply = plainCharge()
      if reply then return reply end
    end
`
