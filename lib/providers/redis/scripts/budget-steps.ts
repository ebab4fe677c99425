import { fixedSteps, gcraSteps } from './counted-steps.ts'
import { holding, leaseSteps } from './lease-steps.ts'
import { slidingSteps } from './sliding-steps.ts'

/** Lua: one moment, in microseconds and in milliseconds. */
export const moment = /* lua */ `
    local time = redis.call('TIME')
    local micros = time[1] * 1000000 + time[2]
    local now = math.floor(micros / 1000)
    -- All sides know whole numbers up to this exactly; the driver misreads some that are larger.
    local most = 9000000000000000
    -- Less than this is nothing: sums of fractions are never quite exact.
    local tiny = 1e-6
`

/** Lua: refuses what is not ours. */
export const foreign = /* lua */ `
    local function foreign()
      error(redis.error_reply('WRONGTYPE What is kept there is no budget'))
    end
`

/**
 * Lua: `open(letter, key, limit, window, extra)` reads a budget, and writes nothing. What it gives
 * has a `level` and a `cap`; `back(amount)` tells when so much has come back, `take(cost)` and
 * `settle(mark, change)` change it and give a mark (0 where nothing can be changed any more), and
 * `save()` alone writes, with the time at which it ends: a time to live would count from when the
 * script began. `ahead` says that a clock was set back since: what is kept must be saved, or it would
 * count until that clock has caught up. `wait` and `report` tell how it stands. Needs `moment` and `foreign`.
 */
export const budgetSteps: string = /* lua */ `
    ${slidingSteps}
    ${fixedSteps}
    ${gcraSteps}
    ${holding}
    ${leaseSteps}
    local algorithms = { s = sliding, f = fixed, g = gcra, c = concurrency }
    local function open(letter, key, limit, window, extra)
      return algorithms[letter](key, tonumber(limit), tonumber(window), extra)
    end

    -- 0 where the cost has room, -1 for never.
    local function wait(b, cost)
      local over = b.level + cost - b.cap
      if over <= tiny then return 0 end
      return cost > b.cap and -1 or math.min(b.back(over), most)
    end

    local function report(out, b, allowed, waits, blocked, mark)
      local used = math.max(0, math.ceil(b.level - tiny))
      local remaining = math.max(0, math.floor(b.cap - b.level + tiny))
      local reset = used == 0 and 0 or b.back(remaining + 1 - b.cap + b.level)
      used, reset = math.min(used, most), math.min(reset, most)
      local numbers = { allowed, used, remaining, reset, waits, blocked, mark }
      for _, number in ipairs(numbers) do out[#out + 1] = number end
    end
`

/** The letters by which scripts know algorithms. */
export const letters = { sliding: 's', fixed: 'f', gcra: 'g', concurrency: 'c' } as const
