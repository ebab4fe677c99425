import { type Channel, channel } from 'node:diagnostics_channel'

/** What is published on `memoryware:store`: the store was lost, or is back. */
export interface StoreEvent {
  readonly state: 'degraded' | 'healthy'
  /** Why, when it was lost. */
  readonly error?: unknown
}

/** What is published on `memoryware:limit`: a decision, once a request and limiter, and once a `check()`. */
export interface LimitEvent {
  readonly allowed: boolean
  readonly degraded: boolean
  /** Refused from what this process remembered, without asking the store. */
  readonly remembered: boolean
  /** The rules that refused. */
  readonly violated: readonly string[]
  /** Of these, the rules that have blocked the caller. */
  readonly blocked: readonly string[]
  /** The rules in shadow mode that would have refused. */
  readonly shadowed: readonly string[]
  /** Where the rules stand that applied, in seconds; nothing where the store is away and all passes. */
  readonly limits: Readonly<
    Record<string, { limit: number; used: number; remaining: number; reset: number }>
  >
  /** Seconds until the request could pass; `undefined` when it was allowed or never will pass. */
  readonly retryAfter: number | undefined
}

/** What is published on `memoryware:settle`: what requests took is corrected, or given back. */
export interface SettleEvent {
  /** By the rules' names: what counted until now, and what counts from now on. */
  readonly limits: Readonly<Record<string, { readonly charged: number; readonly cost: number }>>
}

/** What is published on `memoryware:memory`: messages are kept in this process while the store is away. */
export interface MemoryEvent {
  /**
   * `kept`: in this process, until the store is back. `sent`: the store has them. `lost`: the store
   * can never take them, or this process ends before it is back.
   */
  readonly state: 'kept' | 'sent' | 'lost'
  /** How many, in this event. */
  readonly messages: number
  /** How many are still kept, over all sessions of the store. */
  readonly waiting: number
}

/** What is published on `memoryware:cache`, once a request. */
export interface CacheEvent {
  readonly status: string
  readonly reason: string | undefined
  readonly degraded: boolean
}

/** What is published on `memoryware:error`: a failure that a policy went on from. */
export interface ErrorEvent {
  /** What was being done: `cache write`, `limit`. */
  readonly during: string
  readonly error: unknown
}

/** What is published on `memoryware:notice`: something to correct, once each. */
export interface NoticeEvent {
  readonly code: string
  readonly message: string
}

interface Events {
  store: StoreEvent
  limit: LimitEvent
  settle: SettleEvent
  memory: MemoryEvent
  cache: CacheEvent
  error: ErrorEvent
  notice: NoticeEvent
}

const channels: Record<keyof Events, Channel> = {
  store: channel('memoryware:store'),
  limit: channel('memoryware:limit'),
  settle: channel('memoryware:settle'),
  memory: channel('memoryware:memory'),
  cache: channel('memoryware:cache'),
  error: channel('memoryware:error'),
  notice: channel('memoryware:notice'),
}

/** Tells whoever listens on `memoryware:<name>`. The event is only made when somebody does. */
export function publish<Name extends keyof Events>(name: Name, event: () => Events[Name]): void {
  const target = channels[name]
  if (target.hasSubscribers) target.publish(event())
}
