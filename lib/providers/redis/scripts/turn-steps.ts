/** Steps in Lua that scripts on turns share. They stand behind `now` and `session`. */

/**
 * Reads records out of `turns`, and writes them again. What no script has written is no record: one
 * without end would keep everybody from answering.
 */
export const records = /* lua */ `
    local states = { running = true, stopping = true, ended = true }
    local function read(turns)
      local records = {}
      for line in string.gmatch(turns or '', '[^\\n]+') do
        local turn, token, runner, state, ends =
          string.match(line, '^(%S+) (%S+) (%S+) (%S+) (%d+)$')
        if turn and states[state] and tonumber(ends) - now < 86400000 then
          records[#records + 1] =
            { turn = turn, token = token, runner = runner, state = state, ends = tonumber(ends) }
        end
      end
      return records
    end

    local function line(record)
      return record.turn .. ' ' .. record.token .. ' ' .. record.runner .. ' ' .. record.state
        .. ' ' .. string.format('%.0f', record.ends)
    end

    local function write(records)
      local lines = {}
      for j, record in ipairs(records) do lines[j] = line(record) end
      redis.call('HSET', session, 'turns', table.concat(lines, '\\n'))
    end

    local function over(record) return record.state == 'ended' and record.ends <= now end

    -- Whoever may not publish still answers: nobody watches then.
    local function tell(watched, channel, message)
      if (tonumber(watched) or 0) > now then redis.pcall('PUBLISH', channel, message) end
    end
`

/** Ids of questions that are being answered. */
export const running = /* lua */ `
    local function running(records)
      local ids = {}
      for _, record in ipairs(records) do
        if record.state ~= 'ended' and record.ends > now then ids[record.turn] = true end
      end
      return ids
    end
`

/** The time by the server's clock. */
export const clock = /* lua */ `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
`
