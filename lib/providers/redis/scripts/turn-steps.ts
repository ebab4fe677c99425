/**
 * Steps in Lua that scripts on turns share. They stand behind `now` and `session`, where they are needed:
 * whatever functions a script defines, Lua makes anew on each run.
 */

/**
 * Reads records out of `turns`, or of `ended`, changes one, and gives the text of all again: of those
 * that stay, as it was. What no script has written is no record: one without end would keep everybody
 * from answering. Lua looks at each byte of each text that it makes: those that run are few, and stand
 * apart from the many that have ended.
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
      record.line = string.format('%s %s %s %s %.0f', record.turn, record.token, record.runner, state, ends)
      return record
    end

    local function written(records)
      local lines = {}
      for j, record in ipairs(records) do lines[j] = record.line end
      return table.concat(lines, '\\n')
    end

    local function over(record) return record.state == 'ended' and record.ends <= now end
`

/**
 * `held(turns, turn, token)` finds the record of a turn that is still its holder's; `replaced(record)`
 * gives the text of all, with this in its place, or without it. Stands behind `records`.
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

    local function replaced(record)
      if record then return before .. record.line .. behind end
      if behind == '' then return string.sub(before, 1, -2) end
      return before .. string.sub(behind, 2)
    end
`

/**
 * `tidied(ended, mid, most)` gives the records that stay of those that have ended: not for long, not of
 * this question, so many at most; and the ids of those that go. `setEnded(records)` keeps their text, and
 * `till:count`: when the first of them goes, no later, and how many they are. Stands behind `records`
 * and the steps that open a session.
 */
export const lately = /* lua */ `
    local function tidied(ended, mid, most)
      local kept, gone = {}, {}
      for _, record in ipairs(read(ended)) do
        if over(record) or record.turn == mid then gone[#gone + 1] = record.turn
        else kept[#kept + 1] = record end
      end
      while #kept > most do gone[#gone + 1] = table.remove(kept, 1).turn end
      return kept, gone
    end

    local function setEnded(records)
      local till = records[1] and records[1].ends or 0
      for _, record in ipairs(records) do till = math.min(till, record.ends) end
      local ends = string.format('%.0f:%d', till, #records)
      local at = #sets
      sets[at + 1], sets[at + 2], sets[at + 3], sets[at + 4] = 'ended', written(records), 'ends', ends
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
