import { type Call, Deadline } from '../deadline.ts'
import { UsageError } from '../errors.ts'
import type { Budgets } from '../ports/budgets.ts'
import { createGates } from './gates.ts'

/** Budgets that answer or fail in time. */
export interface GuardedBudgets {
  readonly budgets: Budgets
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
}

/**
 * Puts a deadline and a breaker around budgets that belong to no provider, as `guarded` does around
 * a provider. Wrong use stays the error that it is.
 */
export function guardedBudgets(
  budgets: Budgets,
  { deadlineMs }: { deadlineMs: number },
): GuardedBudgets {
  const gate = createGates(undefined).before([])
  const deadline = () => new Deadline(deadlineMs)

  async function pass<T>(
    operation: string,
    call: Call | undefined,
    send: (call: Call) => Promise<T>,
  ): Promise<T> {
    const within = call?.deadline ?? deadline()
    const answer = await gate.pass(operation, within, (wait) =>
      send({ deadline: within, wait }).then((value) => ({ value }), wrongUse),
    )
    if (answer instanceof UsageError) throw answer
    return answer.value
  }

  return {
    deadline,
    budgets: {
      charge: (charges, call) => pass('charge', call, (own) => budgets.charge(charges, own)),
      peek: (charges, call) => pass('peek', call, (own) => budgets.peek(charges, own)),
      settle: (each, call) => pass('settle', call, (own) => budgets.settle(each, own)),
      renew: (leases, call) => pass('renew', call, (own) => budgets.renew(leases, own)),
      block: (keys, forMs, call) => pass('block', call, (own) => budgets.block(keys, forMs, own)),
      clear: (keys, call) => pass('clear', call, (own) => budgets.clear(keys, own)),
    },
  }
}

function wrongUse(error: unknown): UsageError {
  if (error instanceof UsageError) return error
  throw error
}
