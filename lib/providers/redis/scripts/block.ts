import { type Script, script } from '../script.ts'
import { blockSteps } from './block-steps.ts'
import { foreign, moment } from './budget-steps.ts'

/** Blocks from now on; refusals and earlier blocks stay as they are. */
export const block: Script<string[], [ms: number], void> = script(
  /* lua */ `
    ${moment}
    ${foreign}
    ${blockSteps}
    for _, key in ipairs(KEYS) do
      local block = readBlock(key)
      block.ends = now + tonumber(ARGV[1])
      writeBlock(key, block)
    end
  `,
  () => undefined,
)
