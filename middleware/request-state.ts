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
  /** The first of these who was named. */
  readonly firstUser: string | undefined
  /** The one budget of waiting for a store. */
  deadlineOf(store: { deadline(): Deadline }): Deadline
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

/** Made of what a request needs: few need all of it. */
class OwnState implements RequestState {
  newGuest: string | undefined = undefined
  memoryUsed = false
  openMemory: ((id: string) => Memory) | undefined = undefined
  #users: RequestState['users'] | undefined
  #failures: (() => void)[] | undefined
  #limits: RequestLimits | undefined
  #deadlines: Map<object, Deadline> | undefined
  #store: object | undefined
  #deadline: Deadline | undefined

  get users(): RequestState['users'] {
    this.#users ??= new Map()
    return this.#users
  }

  get failures(): (() => void)[] {
    this.#failures ??= []
    return this.#failures
  }

  get limits(): RequestLimits {
    this.#limits ??= new RequestLimits()
    return this.#limits
  }

  get firstUser(): string | undefined {
    return this.#users?.values().next().value
  }

  deadlineOf(store: { deadline(): Deadline }): Deadline {
    if (this.#store === store && this.#deadline) return this.#deadline
    const deadline = this.#deadlines?.get(store) ?? store.deadline()
    if (this.#store === undefined) {
      this.#store = store
      this.#deadline = deadline
    } else {
      this.#deadlines ??= new Map()
      this.#deadlines.set(store, deadline)
    }
    return deadline
  }
}

/** The state of this request, made at its first use. Copies of this package share it. */
export function requestState(req: IncomingMessage): RequestState {
  const carrier = req as IncomingMessage & { [slot]?: RequestState }
  carrier[slot] ??= new OwnState()
  return carrier[slot]
}

/** The state of this request, where something has needed it by now. */
export function stateSoFar(req: IncomingMessage): RequestState | undefined {
  return (req as IncomingMessage & { readonly [slot]?: RequestState })[slot]
}

/** The one budget of waiting for a store that this request has, over all its middlewares. */
export function requestDeadline(req: IncomingMessage, store: { deadline(): Deadline }): Deadline {
  return requestState(req).deadlineOf(store)
}
