import type { Provider } from '../../lib/index.ts'

/** A provider that does one thing wrong. */
export interface Mutant {
  /** What it does wrong. */
  readonly fault: string
  /** Facts of the contract that must notice. */
  readonly caughtBy: readonly string[]
  /** The members it has in place of those of a sound provider. */
  readonly change: (sound: Provider) => Partial<Provider>
}

/** Lets others have a turn, as a server would. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
