import type { Budgets } from './budgets.ts'
import type { Checkup } from './checkup.ts'
import type { Entries } from './entries.ts'
import type { Fields } from './fields.ts'
import type { Fills } from './fills.ts'
import type { HistoryLog } from './history.ts'
import type { Inspection } from './inspection.ts'
import type { Batch, Counter, Expiry, Keyspace, KeyValue } from './key-value.ts'
import type { PubSub } from './pub-sub.ts'
import type { Turns } from './turns.ts'

/** What a provider must do: everything a store offers, in bytes and milliseconds. */
export interface Provider extends KeyValue, Expiry, Counter, Keyspace, Batch {
  /** `embedded`, `redis`, or a custom provider's own name. */
  readonly name: string
  readonly history: HistoryLog
  readonly turns: Turns
  readonly fields: Fields
  readonly budgets: Budgets
  readonly entries: Entries
  readonly fills: Fills
  /** Absent where a provider cannot be looked into. */
  readonly inspection?: Inspection | undefined
  /** What a doctor looks at; absent where there are no servers. */
  readonly checkup?: Checkup | undefined
  /** Absent where a provider has no messages. */
  readonly bus?: PubSub | undefined
  /** Where parts of the store fail one by one: each has a breaker of its own then. */
  readonly parts?: Parts | undefined
  /** Calls `listener` each time the provider can be used again after it could not. */
  onReady?(listener: () => void): void
  /** Settles what is under way and lets go of connections. */
  close(): Promise<void>
}

/** Parts of a store that fail one by one, such as the masters of a Cluster. */
export interface Parts {
  /** Names the part that holds a key now. */
  of(key: string): string
  /** Names all parts there are now. */
  names(): ReadonlySet<string>
}
