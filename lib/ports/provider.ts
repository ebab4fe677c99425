import type { Budgets } from './budgets.ts'
import type { Entries } from './entries.ts'
import type { HistoryLog } from './history.ts'
import type { Inspection } from './inspection.ts'
import type { Batch, Counter, Expiry, Keyspace, KeyValue } from './key-value.ts'
import type { PubSub } from './pub-sub.ts'

/** What a provider must do: everything a store offers, in bytes and milliseconds. */
export interface Provider extends KeyValue, Expiry, Counter, Keyspace, Batch {
  /** `embedded`, `redis`, or a custom provider's own name. */
  readonly name: string
  readonly history: HistoryLog
  readonly budgets: Budgets
  readonly entries: Entries
  /** Absent where a provider cannot be looked into. */
  readonly inspection?: Inspection | undefined
  /** Absent where a provider has no messages. */
  readonly bus?: PubSub | undefined
  /**
   * Names the part of the store that holds a key, where parts fail one by one: a master of a
   * Cluster with its replicas. One that is down then takes nothing from the others.
   */
  readonly partOf?: ((key: string) => string) | undefined
  /** Calls `listener` each time the provider can be used again after it could not. */
  onReady?(listener: () => void): void
  /** Settles what is under way and lets go of connections. */
  close(): Promise<void>
}
