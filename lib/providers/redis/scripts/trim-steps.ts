import { marking, write } from './session-steps.ts'

/**
 * Lua: where something was `added`, cuts a list of more than `max` at the first turn among the newest
 * `keep`. The newest turn stays whole, and so does what follows a question in `stays`, until there are
 * more than twice `max`; then such questions move to right before what is kept. Tells how many messages
 * were `trimmed`, and with `oldest` the position of the oldest that is no such question. Stands behind
 * the steps that open a session and store in it; `staying` defines `stays`.
 */
export function trim(staying: string): string {
  return /* lua */ `
    local trimmed, oldest = 0, seq - len + 1
    if added > 0 and len > max then
      ${staying}
      ${cutting}
    end
`
}

const cutting = /* lua */ `
      ${write}
      known = {}
      ${marking}

      local function role(line) return string.match(line, '^%d+|[^|]*|(%a)') end

      local function find(from, fits)
        for at = from, len - 1, 64 do
          for j, line in ipairs(redis.call('LRANGE', list, at, at + 63)) do
            if fits(role(line)) then return at + j - 1 end
          end
        end
      end

      local function newest(before)
        for to = before - 1, 0, -64 do
          local from = math.max(0, to - 63)
          local piece = redis.call('LRANGE', list, from, to)
          for j = #piece, 1, -1 do
            if role(piece[j]) == 'u' then
              return from + j - 1, string.match(piece[j], '^%d+|([^|]*)|')
            end
          end
        end
      end

      -- Where to cut, and the ids of the messages before that place which stay.
      local function cut()
        local from = math.max(0, len - keep)
        local boundary = find(from, function(r) return r == 'u' end)
        local start = boundary
        if not boundary then
          local at, mid = newest(from)
          if at then
            start, stays[mid] = at, true
          end
        end
        for mid in pairs(stays) do
          local at = marked(mid)
          if at and at >= oldest then start = math.min(start or len, at - oldest) end
        end
        if start and len - start <= 2 * max then return start end
        if boundary then return boundary end
        from = math.min(start and from + 1 or from, len - 1)
        return find(from, function(r) return r ~= 't' end) or from
      end

      local function restore(line, mid, place, at, floor)
        local _, mark = marked(mid)
        local first, count = string.match(mark or '', '^%d+:(%d+):(%d+)$')
        mark = at
        if first then
          local over = math.max(0, floor - first)
          mark = at .. ':' .. first + over .. ':' .. math.max(0, count - over)
        end
        redis.call('HSET', session, 'i:' .. mid, mark)
        redis.call('LSET', list, place, at .. string.sub(line, (string.find(line, '|', 1, true))))
      end

      local place, moved = cut(), {}
      for at = 0, place - 1, 512 do
        local ids = {}
        for _, line in ipairs(redis.call('LRANGE', list, at, math.min(at + 511, place - 1))) do
          local mid, t = string.match(line, '^%d+|([^|]*)|%a|(%d+)|')
          if mid and stays[mid] then
            moved[#moved + 1] = { line, mid }
          elseif mid then
            ids[#ids + 1] = 'i:' .. mid
            tokens = tokens - tonumber(t)
          end
        end
        if #ids > 0 then redis.call('HDEL', session, unpack(ids)) end
      end
      trimmed = place - #moved
      for j, each in ipairs(moved) do
        restore(each[1], each[2], trimmed + j - 1, oldest + trimmed + j - 1, oldest + place)
      end
      if trimmed > 0 then redis.call('LTRIM', list, trimmed, -1) end
      len, oldest = len - trimmed, oldest + place
`
