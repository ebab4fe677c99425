import type { Count } from '../../../ports/budgets.ts'
import { type Script, script } from '../script.ts'

/** Adds to a fixed window's counter unless the sum would pass the limit. */
export const count: Script<
  [counter: string],
  [by: number, limit: number, windowMs: number],
  Count
> = script(
  /* lua */ `
      local by, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
      local left = redis.call('PTTL', KEYS[1])
      local used = left < 0 and 0 or tonumber(redis.call('GET', KEYS[1]) or '0')
      if used + by <= limit and by ~= 0 then
        if left < 0 then
          redis.call('SET', KEYS[1], used + by, 'PX', window)
          left = window
        else
          redis.call('INCRBY', KEYS[1], by)
        end
      end
      return { used + by, math.max(left, 0) }
    `,
  (raw) => {
    const [sum, ttlMs] = raw as [number, number]
    return { count: sum, ttlMs }
  },
)
