import { type Channel, channel } from 'node:diagnostics_channel'

/** What is published on `memoryware:store`: the store was lost, or is back. */
export interface StoreEvent {
  readonly state: 'degraded' | 'healthy'
  /** Why, when it was lost. */
  readonly error?: unknown
}

/** What is published on `memoryware:limit`, once a request and limiter. */
export interface LimitEvent {
  readonly allowed: boolean
  readonly degraded: boolean
  /** The rules that refused. */
  readonly violated: readonly string[]
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
  cache: CacheEvent
  error: ErrorEvent
  notice: NoticeEvent
}

const channels: Record<keyof Events, Channel> = {
  store: channel('memoryware:store'),
  limit: channel('memoryware:limit'),
  cache: channel('memoryware:cache'),
  error: channel('memoryware:error'),
  notice: channel('memoryware:notice'),
}

/** Tells whoever listens on `memoryware:<name>`. The event is only made when somebody does. */
export function publish<Name extends keyof Events>(name: Name, event: () => Events[Name]): void {
  const target = channels[name]
  if (target.hasSubscribers) target.publish(event())
}
