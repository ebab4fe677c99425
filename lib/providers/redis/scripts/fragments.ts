/** Lua: milliseconds since 1970, by the server's clock. */
export const clock = /* lua */ `
    local function clock()
      local time = redis.call('TIME')
      return time[1] * 1000 + math.floor(time[2] / 1000)
    end
`

/**
 * Lua: `renew(index, ttl, left, ...)` gives keys a time to live, or none where it is 0, and lets the
 * index end no sooner. `left` is what PTTL told of that before: -2 where it was not there.
 */
export const renewal = /* lua */ `
    local function renew(index, ttl, left, ...)
      if ttl > 0 then
        for _, key in ipairs({ ... }) do redis.call('PEXPIRE', key, ttl) end
        if left ~= -1 and left < ttl then redis.call('PEXPIRE', index, ttl) end
      else
        for _, key in ipairs({ index, ... }) do redis.call('PERSIST', key) end
      end
    end
`

/**
 * Lua: `placeOf(session, list, mid, seq, len)` finds a message: its place in the list, its position
 * and the stored bytes. Nothing where it is not there, or something else stands in its place.
 */
export const places = /* lua */ `
    local function placeOf(session, list, mid, seq, len)
      local mark = redis.call('HMGET', session, 'i:' .. mid)[1]
      local at = tonumber(string.match(mark or '', '^%d+'))
      if not at then return end
      local place = at - (seq - len + 1)
      if place < 0 or place >= len then return end
      local entry = redis.call('LRANGE', list, place, place)[1]
      local position, id = string.match(entry or '', '^(%d+)|([^|]*)|')
      if tonumber(position) ~= at or id ~= mid then return end
      return place, at, entry
    end
`

/**
 * Lua: `shorten(session, list, place, seq, len, tokens)` removes the messages from a place on, and
 * what depends on them: marks, answers noted with questions that stay, the summary, the system
 * message, for which the newest that stays stands in. Lists are read in pieces: `unpack` fails at
 * some thousands of values.
 */
export const shortening = /* lua */ `
    local function removeMarks(session, list, place, len)
      local system = redis.call('HMGET', session, 'system')[1]
      local header = string.match(system or '', '^%d+|[^|]*|')
      local tokens, found = 0, false
      for at = place, len - 1, 512 do
        local fields = {}
        for _, entry in ipairs(redis.call('LRANGE', list, at, math.min(at + 511, len - 1))) do
          local head, id, t = string.match(entry, '^(%d+|([^|]*)|)%a|(%d+)|')
          if head then
            fields[#fields + 1] = 'i:' .. id
            tokens = tokens + tonumber(t)
            found = found or head == header
          end
        end
        if #fields > 0 then redis.call('HDEL', session, unpack(fields)) end
      end
      return tokens, found
    end

    -- A question whose answer begins behind the cut is unanswered again.
    local function unanswer(session, fields, cut)
      local marks = redis.call('HMGET', session, unpack(fields))
      for at, mark in ipairs(marks) do
        local position, first, count = string.match(mark or '', '^(%d+):(%d+):(%d+)$')
        first, count = tonumber(first), tonumber(count)
        if first and first >= cut then
          redis.call('HSET', session, fields[at], position)
        elseif first and first + count > cut then
          redis.call('HSET', session, fields[at], position .. ':' .. first .. ':' .. (cut - first))
        end
      end
    end

    local function shorten(session, list, place, seq, len, tokens)
      local cut = seq - len + 1 + place
      local gone, found = removeMarks(session, list, place, len)
      local system
      for last = place - 1, 0, -512 do
        local piece = redis.call('LRANGE', list, math.max(last - 511, 0), last)
        local fields = {}
        for at = #piece, 1, -1 do
          local id, role = string.match(piece[at], '^%d+|([^|]*)|(%a)|')
          if id then fields[#fields + 1] = 'i:' .. id end
          if not system and (role == 's' or role == 'd') then system = piece[at] end
        end
        if #fields > 0 then unanswer(session, fields, cut) end
      end
      if found and system then
        redis.call('HSET', session, 'system', system)
      elseif found then
        redis.call('HDEL', session, 'system')
      end
      local summary = redis.call('HMGET', session, 'summary')[1]
      local through = tonumber(string.match(summary or '', '^%d+'))
      if through and through >= cut then redis.call('HDEL', session, 'summary') end
      if place == 0 then
        redis.call('DEL', list)
      else
        redis.call('LTRIM', list, 0, place - 1)
      end
      redis.call('HSET', session, 'seq', cut - 1, 'len', place, 'tokens', tokens - gone)
    end
`

/**
 * Lua: `dropTurns(session, turns, ...)` removes what turns have kept, and tells those who answer to stop.
 * It comes last: the keys are not declared, and a user may lack the right to publish.
 */
export const turnDropping = /* lua */ `
    local function dropTurns(session, ...)
      for _, turns in pairs({ ... }) do
        for turn, token, runner, state in string.gmatch(turns or '', '(%S+) (%S+) (%S+) (%S+) %S+') do
          redis.pcall('UNLINK', session .. ':t:' .. turn)
          if state ~= 'ended' then redis.pcall('PUBLISH', runner, token) end
        end
      end
    end
`

/**
 * Lua: `dropSession(index, id)` removes a session that is known by its line in the index alone, and
 * the line. What it gives back is an error: the keys are not declared, and while their slot moves
 * they may be out of reach. Needs `dropTurns`.
 */
export const sessionDropping = /* lua */ `
    local function dropSession(index, id)
      local session = index .. ':' .. id
      local turns = redis.pcall('HMGET', session, 'turns', 'ended')
      local removed = redis.pcall('UNLINK', session, session .. ':m', session .. ':state')
      if type(removed) == 'table' then
        -- The driver asks again by itself where it is told so.
        local moves = string.find(removed.err, 'non local key', 1, true)
        return redis.error_reply(moves and 'TRYAGAIN the slot moves' or removed.err)
      end
      redis.call('ZREM', index, id)
      dropTurns(session, turns[1], turns[2])
    end
`
