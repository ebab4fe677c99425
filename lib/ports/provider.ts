import type { Budgets } from './budgets.ts'
import type { Entries } from './entries.ts'
import type { HistoryLog } from './history.ts'
import type { Batch, Counter, Expiry, Keyspace, KeyValue } from './key-value.ts'

/** What a provider must do: everything a store offers, in bytes and milliseconds. */
export interface Provider extends KeyValue, Expiry, Counter, Keyspace, Batch {
  /** `embedded`, `redis`, or a custom provider's own name. */
  readonly name: string
  readonly history: HistoryLog
  readonly budgets: Budgets
  readonly entries: Entries
  /** Calls `listener` each time the provider can be used again after it could not. */
  onReady?(listener: () => void): void
  /** Settles what is under way and lets go of connections. */
  close(): Promise<void>
}
