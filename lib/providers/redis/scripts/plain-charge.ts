/**
 * Lua: what most charges are, without the functions that all of them together need: Redis makes each
 * of those anew on each run. It charges one sliding budget that is not blocked, has room and keeps its
 * form, and replies; for all else it writes nothing and goes on. Needs `moment`. See `charge` for the
 * arguments, and `slidingSteps` for what is kept.
 *
 * The reply is four numbers: what is used, what remains, when the first of it comes back, and the mark.
 */
export const plainCharge = /* lua */ `
    do
      local limit, window, cost
      if ARGV[1] == '1' and #ARGV == 2 then
        limit, window, cost = string.match(ARGV[2], '^s,(%d+),(%d+),(%d+),')
      end
      limit, window, cost = tonumber(limit or 0), tonumber(window or 0), tonumber(cost or 0)
      local plain = cost > 0 and cost <= limit and limit <= most
      if plain and (#KEYS == 1 or redis.call('EXISTS', KEYS[2]) == 0) then
        local kept = redis.call('GET', KEYS[1])
        -- What is kept from now on, until when, what is used, and when the first of it comes back.
        local ends, used, gone
        if limit > 24 then
          local span = math.ceil(window / 12)
          local current = math.floor(now / span)
          ends = (current + 13) * span
          if not kept then
            kept, used, gone = struct.pack('>BI6BI7', 2, current, 0, cost), cost, ends
          elseif string.byte(kept) == 2 and #kept >= 15 and #kept % 8 == 7 then
            local base = struct.unpack('>I6', kept, 2)
            local sum, first, last, count = cost, nil, nil, 0
            for at = 8, #kept, 8 do
              local later, counted = struct.unpack('>BI7', kept, at)
              last, count = base + later, counted
              if last >= current - 12 then
                first = first or last
                sum = sum + count
              end
            end
            if first == base and last <= current and sum <= limit then
              used, gone = sum, (first + 13) * span
              if last == current then
                kept = string.sub(kept, 1, -8) .. struct.pack('>I7', count + cost)
              else
                kept = kept .. struct.pack('>BI7', current - base, cost)
              end
            end
          end
        else
          local from, size = 2, kept and #kept or 1
          local sound = not kept or (string.byte(kept) == 1 and size % 7 == 1)
          if sound and (size == 1 or struct.unpack('>I7', kept, size - 6) <= micros) then
            local since = micros - window * 1000
            while from < size and struct.unpack('>I7', kept, from) <= since do from = from + 7 end
            local sum = (size + 1 - from) / 7 + cost
            if sum <= limit then
              kept = (kept and string.sub(kept, from) or '') .. string.rep(struct.pack('>I7', micros), cost)
              ends, used = now + window, sum
              gone = now + math.ceil((struct.unpack('>I7', kept) - since) / 1000)
              kept = '\\1' .. kept
            end
          end
        end
        if used then
          redis.call('SET', KEYS[1], kept, 'PXAT', math.max(now + 1, ends))
          return { used, limit - used, gone - now, micros }
        end
      end
    end
`
