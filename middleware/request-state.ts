import type { IncomingMessage } from 'node:http'
import type { Deadline } from '../lib/deadline.ts'
import type { Memory } from '../lib/history/memory.ts'
import { RequestLimits } from './request-limits.ts'

/** Who makes this request. */
export interface Identity {
  /** The encoded id of the signed-in user. */
  readonly user: string | undefined
  /** The owner that the guest cookie stands for, when there is no user and the cookie is sound. */
  readonly guest: string | undefined
}

/** What the middlewares of one request share. */
export interface RequestState {
  /** Whom each `user` function named, in the order they were asked. */
  readonly users: Map<(native: never) => unknown, string>
  /** One budget of waiting for each store. */
  readonly deadlines: Map<object, Deadline>
  /** The secret of the guest this request made, before any cookie came back. */
  newGuest: string | undefined
  /** A handler has touched `memory`: what it answers is private. */
  memoryUsed: boolean
  /** Opens a conversation of this user; set by the session memory that ran last. */
  openMemory: ((id: string) => Memory) | undefined
  /** Called where the framework says that the request's handler has failed. */
  readonly failures: (() => void)[]
  /** What the limiters have come to so far. */
  readonly limits: RequestLimits
}

const slot: unique symbol = Symbol.for('memoryware.request') as never

/** The state of this request, made at its first use. Copies of this package share it. */
export function requestState(req: IncomingMessage): RequestState {
  const carrier = req as IncomingMessage & { [slot]?: RequestState }
  carrier[slot] ??= {
    users: new Map(),
    deadlines: new Map(),
    newGuest: undefined,
    memoryUsed: false,
    openMemory: undefined,
    failures: [],
    limits: new RequestLimits(),
  }
  return carrier[slot]
}

/** The one budget of waiting for a store that this request has, over all its middlewares. */
export function requestDeadline(req: IncomingMessage, store: { deadline(): Deadline }): Deadline {
  const { deadlines } = requestState(req)
  const known = deadlines.get(store) ?? store.deadline()
  deadlines.set(store, known)
  return known
}
