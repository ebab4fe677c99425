import type { Budget } from '../../../ports/budgets.ts'
import { type Script, script } from '../script.ts'
import { budgetSteps, foreign, moment } from './budget-steps.ts'
import { budgetsIn } from './charge.ts'

/**
 * Puts what charges came to in the place of what was charged, each only while its mark still counts.
 *
 * Seven arguments a budget: letter of the algorithm, limit, window, burst or lease, mark, what is
 * charged until now, what it came to.
 */
export const settle: Script<string[], (string | number)[], Budget[]> = script(
  /* lua */ `
    ${moment}
    ${foreign}
    ${budgetSteps}
    local out = {}
    for i, key in ipairs(KEYS) do
      local at = i * 7 - 6
      local b = open(ARGV[at], key, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
      local mark, charged, cost = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
      if ARGV[at] == 'c' then
        if cost == 0 then
          b.give()
          b.save()
        end
        if cost == 0 or not b.held then mark = 0 end
      elseif mark > 0 then
        mark = b.settle(mark, cost - charged, charged == 0)
        if mark > 0 and cost ~= charged then b.save() end
      end
      local waits = wait(b, 1)
      report(out, b, waits == 0 and 1 or 0, waits, 0, mark)
    end
    return out
  `,
  (raw) => budgetsIn(raw as number[]),
)
