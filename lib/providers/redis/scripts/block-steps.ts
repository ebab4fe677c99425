/**
 * Lua: blocks of budgets, as text: until when it is blocked, how long the last block lasted that
 * refusals led to, when that one is forgotten, how many refusals there were since, and until when
 * they count. Needs `moment` and `foreign`.
 */
export const blockSteps = /* lua */ `
    local names = { 'ends', 'last', 'forgotten', 'refusals', 'counted' }

    local function readBlock(key)
      local stored = redis.call('GET', key)
      local block = { ends = 0, last = 0, forgotten = 0, refusals = 0, counted = 0 }
      if not stored then return block end
      local numbers = { string.match(stored, '^(%d+) (%d+) (%d+) (%d+) (%d+)$') }
      if #numbers == 0 then foreign() end
      for at, name in ipairs(names) do block[name] = tonumber(numbers[at]) end
      return block
    end

    local function writeBlock(key, block)
      local parts = {}
      for at, name in ipairs(names) do parts[at] = string.format('%.0f', block[name]) end
      local ends = math.max(block.ends, block.forgotten, block.counted)
      redis.call('SET', key, table.concat(parts, ' '), 'PXAT', math.max(now + 1, ends))
    end

    -- The last refusal that is allowed within a window of the first blocks.
    local function refuse(block, window, after, ms, doubles)
      local goesOn = block.counted > now
      block.refusals = (goesOn and block.refusals or 0) + 1
      if not goesOn then block.counted = now + window end
      if block.refusals < after then return end
      local again = doubles and block.forgotten > now
      block.last = again and math.min(2 * block.last, math.max(86400000, ms)) or ms
      block.ends = now + block.last
      block.forgotten = doubles and block.ends + block.last or 0
      block.refusals, block.counted = 0, 0
    end
`
