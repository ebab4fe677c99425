/** Steps in Lua that scripts on turns share. They stand behind `now` and `session`. */

/**
 * Reads records out of `turns`, changes one, and gives the text of all again: of those that stay, as it
 * was. What no script has written is no record: one without end would keep everybody from answering.
 */
export const records = /* lua */ `
    local states = { running = true, stopping = true, ended = true }
    local function read(turns)
      local records = {}
      for line in string.gmatch(turns or '', '[^\\n]+') do
        local turn, token, runner, state, ends =
          string.match(line, '^(%S+) (%S+) (%S+) (%S+) (%d+)$')
        if turn and states[state] and tonumber(ends) - now < 86400000 then
          records[#records + 1] = {
            line = line, turn = turn, token = token, runner = runner, state = state,
            ends = tonumber(ends),
          }
        end
      end
      return records
    end

    local function change(record, state, ends)
      record.state, record.ends = state, ends
      record.line = record.turn .. ' ' .. record.token .. ' ' .. record.runner .. ' ' .. state
        .. ' ' .. string.format('%.0f', ends)
      return record
    end

    local function written(records)
      local lines = {}
      for j, record in ipairs(records) do lines[j] = record.line end
      return table.concat(lines, '\\n')
    end

    local function over(record) return record.state == 'ended' and record.ends <= now end

    -- Whoever may not publish still answers: nobody watches then.
    local function tell(watched, channel, message)
      if (tonumber(watched) or 0) > now then redis.pcall('PUBLISH', channel, message) end
    end
`

/**
 * `held(turns, turn, token)` finds the record of a turn that is still its holder's without a look at the
 * others, of which a session has many that have ended; `replaced(record)` gives the text of all, with
 * this in its place. Stands behind `records`.
 */
export const holding = /* lua */ `
    local before, behind

    local function held(turns, turn, token)
      turns = turns or ''
      local from = string.find(turns, turn .. ' ' .. token .. ' ', 1, true)
      -- A token is in one line: whatever stands before it there is another's.
      if not from or (from > 1 and string.byte(turns, from - 1) ~= 10) then return end
      local line = string.match(turns, '^[^\\n]+', from)
      before, behind = string.sub(turns, 1, from - 1), string.sub(turns, from + #line)
      return read(line)[1]
    end

    local function replaced(record) return before .. record.line .. behind end
`

/**
 * `quiet(turns, mid, most)` tells by a few looks what nearly always is: that no turn runs, none was of
 * this question, and the oldest ended lately. Gives the text of those that stay where there is to be
 * one more, and the id of one that is too many. Stands behind nothing but `now`.
 */
export const quiet = /* lua */ `
    local function quiet(turns, mid, most)
      local function has(text) return string.find(turns, text, 1, true) end
      if turns == '' then return turns end
      if has(' running ') or has(' stopping ') or has(mid .. ' ') then return end
      local oldest, ends = string.match(turns, '^(%S+) %S+ %S+ ended (%d+)')
      local left = (tonumber(ends) or 0) - now
      if left <= 0 or left >= 86400000 then return end
      local at = 0
      for j = 1, most - 1 do
        at = string.find(turns, '\\n', at + 1, true)
        if not at then return turns end
      end
      if string.find(turns, '\\n', at + 1, true) then return end
      return string.sub(turns, string.find(turns, '\\n', 1, true) + 1), oldest
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
