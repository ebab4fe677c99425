import { type Script, script } from '../script.ts'
import { moment } from './budget-steps.ts'
import { holding } from './lease-steps.ts'

/** Lets slots be held for longer, also lost ones: of each its lease, and milliseconds from now. */
export const hold: Script<string[], (string | number)[], void> = script(
  /* lua */ `
    ${moment}
    ${holding}
    for i, key in ipairs(KEYS) do
      hold(key, ARGV[i * 2 - 1], tonumber(ARGV[i * 2]))
    end
  `,
  () => undefined,
)
