import type { Caller } from './people.ts'

/** The reservations that this process has not settled yet. Others know of theirs. */
export class UnderWay {
  readonly #held = new Set<{ readonly caller: Caller; readonly tokens: number }>()

  /** Notes a reservation, until the function given back is called. */
  add(caller: Caller, tokens: number): () => void {
    const held = { caller, tokens }
    this.#held.add(held)
    return () => this.#held.delete(held)
  }

  /** Tokens reserved from the budgets of a caller, by rule. */
  reserved({ id, tenant }: Caller): Readonly<Record<string, number>> {
    const sum = (which: (caller: Caller) => boolean) =>
      [...this.#held].reduce((all, { caller, tokens }) => all + (which(caller) ? tokens : 0), 0)
    return {
      'tokens-minute': sum((caller) => caller.id === id),
      'tokens-day': sum((caller) => caller.tenant === tenant),
    }
  }
}
