import type { Budget } from '../../../ports/budgets.ts'
import { type Script, script } from '../script.ts'
import { blockSteps } from './block-steps.ts'
import { budgetSteps, foreign, moment } from './budget-steps.ts'
import { plainCharge } from './plain-charge.ts'

/** What charges on one slot came to. */
export interface Charged {
  readonly budgets: readonly Budget[]
  /** Places of slots that were their lease's before: giving the charge back must not free them. */
  readonly held: readonly number[]
}

/**
 * Charges several budgets, all or none of those that refuse, on the server's clock; or tells how they
 * stand and which would have room, and writes nothing.
 *
 * Keys: of budgets, then of blocks. Arguments: 1 to charge and 0 to peek, then for each budget one text
 * with commas between: letter of the algorithm, limit, window, cost, 1 for shadow, which of the keys is
 * its block (0 for none), how many refusals block (0 for none), for how long, 1 for doubling, and burst
 * or lease, which may hold commas. In the common case there is no block, which one EXISTS tells. Redis
 * returns whole numbers only; a wait of -1 stands for never. See `plainCharge` for what most charges reply.
 */
export const charge: Script<string[], (string | number)[], Charged> = script(
  /* lua */ `
    ${moment}
    ${plainCharge}
    ${foreign}
    ${budgetSteps}
    ${blockSteps}
    local writes, count = ARGV[1] == '1', #ARGV - 1
    local blocks = count < #KEYS and redis.call('EXISTS', unpack(KEYS, count + 1)) > 0
    local charges, claimed, passes = {}, {}, true
    local format = '^(%a),' .. string.rep('([^,]*),', 8) .. '(.*)$'
    for i = 1, count do
      local key = KEYS[i]
      local letter, limit, window, cost, shadow, blockAt, after, ms, doubles, extra =
        string.match(ARGV[i + 1], format)
      local c = { letter = letter, cost = tonumber(cost), blocked = 0, mark = 0 }
      c.after, c.window, c.ms = tonumber(after), tonumber(window), tonumber(ms)
      c.doubles, blockAt = doubles == '1', tonumber(blockAt)
      local b = open(letter, key, limit, c.window, extra)
      if letter == 'c' and c.cost > 0 then
        -- Several slots of one budget count together.
        c.stands, c.need = b.level, b.held and 0 or 1
        claimed[key] = (claimed[key] or 0) + c.need
        b.level = c.stands + claimed[key] - c.need
      end
      c.budget, c.need = b, c.need or c.cost
      c.wait = b.held and c.cost > 0 and 0 or wait(b, c.need)
      if blockAt > 0 then
        c.key = KEYS[blockAt]
        c.block = blocks and readBlock(c.key)
        c.blocked = c.block and math.max(0, c.block.ends - now) or 0
      end
      c.allowed = c.wait == 0 and c.blocked == 0
      passes = passes and (c.allowed or shadow == '1')
      charges[i] = c
    end

    for _, c in ipairs(charges) do
      if not writes then
        -- Who only looks takes nothing, and is not refused.
      elseif c.allowed and passes then
        c.taken = c.cost > 0
        if c.taken or c.letter ~= 'c' then c.mark = c.budget.take(c.cost) end
        if c.taken then c.budget.save() end
      elseif c.wait ~= 0 and c.blocked == 0 and c.after > 0 and c.cost > 0 then
        local block = c.block or readBlock(c.key)
        refuse(block, c.window, c.after, c.ms, c.doubles)
        c.blocked = math.max(0, block.ends - now)
        writeBlock(c.key, block)
      end
      if writes and c.budget.ahead and not c.taken then c.budget.save() end
    end

    local out = {}
    for i, c in ipairs(charges) do
      if c.stands then c.budget.level = c.stands + (c.taken and claimed[KEYS[i]] or 0) end
      local waits = c.wait < 0 and -1 or math.max(c.wait, c.blocked)
      local allowed = c.allowed and (c.budget.held and 2 or 1) or 0
      report(out, c.budget, allowed, waits, c.blocked, c.mark)
    end
    return out
  `,
  (raw) => chargedIn(raw as number[]),
)

/** Of a plain charge, all but what it says itself: each number of a reply has its price. */
function chargedIn(numbers: readonly number[]): Charged {
  if (numbers.length !== plainWidth) return { budgets: budgetsIn(numbers), held: heldIn(numbers) }
  const [used = 0, remaining = 0, resetMs = 0, mark = 0] = numbers
  const plain = { allowed: true, used, remaining, resetMs, retryMs: 0, blockedMs: 0, mark }
  return { budgets: [plain], held: [] }
}

/** Number of numbers that stand for a plain charge. */
const plainWidth = 4

/** Number of numbers that stand for one budget. */
const width = 7

/** The budgets in a reply. */
export function budgetsIn(numbers: readonly number[]): Budget[] {
  const budgets: Budget[] = []
  for (let at = 0; at < numbers.length; at += width) budgets.push(budgetAt(numbers, at))
  return budgets
}

function budgetAt(numbers: readonly number[], at: number): Budget {
  const number = (place: number) => numbers[at + place] ?? 0
  const wait = number(4)
  return {
    allowed: numbers[at] !== 0,
    used: number(1),
    remaining: number(2),
    resetMs: number(3),
    retryMs: wait < 0 ? Number.POSITIVE_INFINITY : wait,
    blockedMs: number(5),
    mark: number(6),
  }
}

function heldIn(numbers: readonly number[]): number[] {
  const held: number[] = []
  for (let at = 0; at < numbers.length; at += width) if (numbers[at] === 2) held.push(at / width)
  return held
}
