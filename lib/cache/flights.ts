import { LRUCache } from 'lru-cache'
import type { Live } from './live.ts'
import { isToldLater } from './marks.ts'
import type { PurgeListener, Purges } from './purges.ts'

// After so many leaders died the rest no longer wait for another.
const mostHeirs = 2
const notStoredForMs = 5000
const mostRemembered = 10_000

/** A request that could wait for another's answer. */
export interface Follower {
  /** What an answer to it carries, as far as the request tells. */
  readonly marks: readonly string[]
  /** Names the variant it asks for, under the fields a response varies by. */
  variantOf(names: readonly string[]): string
  /** Calls `leave` once its client is gone. */
  onGone(leave: () => void): void
}

/**
 * How a wait ends: with the leader's answer, or with what there is of it, to be read while it grows;
 * with the lead, since the leader died; with `alone`, where the answer may not be shared; with
 * `again`, where it is for another variant; with `gone`, when the follower's own client left.
 */
type Landing<Copy> =
  | { readonly kind: 'copy'; readonly copy: Copy }
  | { readonly kind: 'live'; readonly live: Live }
  | { readonly kind: 'lead'; readonly lease: Lease<Copy> }
  | { readonly kind: 'alone' | 'again' | 'gone' }

/**
 * What a request that missed does: lead, wait, use a copy that is being written or an answer that is
 * being made, or run on its own.
 */
export type Boarding<Copy> =
  | Extract<Landing<Copy>, { kind: 'copy' | 'lead' | 'live' }>
  | { readonly kind: 'wait'; readonly landing: Promise<Landing<Copy>> }
  | { readonly kind: 'alone' }

/** The duty of the one that runs the handler for all; it ends once, by one of the last three. */
export interface Lease<Copy> {
  /** The answer varies by these fields: who asks for another variant need not wait. */
  narrow(names: readonly string[], variant: string): void
  /** The answer takes long: nobody waits for it any more. It may still come. */
  part(): void
  /** The answer is read while it grows, by those who wait and those who come; also narrows. */
  live(live: Live): void
  /** The answer may not be shared: everybody runs on their own, also for some seconds to come. */
  refuse(): void
  /** Here is the answer. New requests get it from here until it is `written`. */
  land(copy: Copy, written: Promise<unknown>): void
  /** There will be no answer: one of those who wait takes the lead. */
  abandon(): void
}

interface Waiter<Copy> {
  readonly follower: Follower
  settle(landing: Landing<Copy>): void
}

/** Requests for one variant of one resource, in this process, with one of them at work. */
export interface Flight<Copy> {
  readonly resource: string
  /** What its answer carries, as far as its first request tells. */
  readonly marks: readonly string[]
  variant: string
  /** What the answer varies by, once its head is known. */
  names: readonly string[] | undefined
  copy: Copy | undefined
  /** What there is of the answer, where it may be read while it grows. */
  live: Live | undefined
  heirs: number
  /** Nobody waits for its answer. */
  parted: boolean
  /** Purged while it was in the air: its answer is for those who asked before, and for nobody else. */
  purged: boolean
  readonly waiting: Set<Waiter<Copy>>
}

type HeardPurges = Pick<Purges, 'hear' | 'ignore'>

/**
 * Lets one request run the handler while others that miss on the same key wait for its answer. Whoever
 * asks after a purge gets nothing of an answer whose making began before. Purges are heard of only
 * while something is in the air: so whoever tells of them keeps nobody alive.
 */
export class Flights<Copy> implements PurgeListener {
  readonly #purges: HeardPurges
  readonly #under = new Map<string, Flight<Copy>>()
  readonly #notStored = new LRUCache<string, true>({ max: mostRemembered, ttl: notStoredForMs })

  constructor(purges: HeardPurges) {
    this.#purges = purges
  }

  purged(marks: readonly string[]): void {
    for (const flight of this.#under.values()) {
      if (!concerns(marks, flight)) continue
      flight.purged = true
      this.#remove(flight)
    }
  }

  /** The flight for this variant, to be asked for its copy when the store turns out to have none. */
  find(resource: string, variant: string): Flight<Copy> | undefined {
    return this.#under.get(lane(resource, variant))
  }

  /** The answer of a flight that has landed, where it is for this request. */
  copyOf(flight: Flight<Copy> | undefined, follower: Follower): Copy | undefined {
    return flight && matches(flight, follower) ? flight.copy : undefined
  }

  /** Whether the last answer for this resource could not be stored. */
  isShunned(resource: string): boolean {
    return this.#notStored.has(resource)
  }

  /** An answer that could be stored: the next ones may wait again. */
  welcome(resource: string): void {
    this.#notStored.delete(resource)
  }

  /** An answer that could not be stored: the next ones do not wait. */
  shun(resource: string): void {
    this.#notStored.set(resource, true)
  }

  /** Joins, or starts, the flight for this variant. */
  board(resource: string, variant: string, follower: Follower): Boarding<Copy> {
    const flight = this.#under.get(lane(resource, variant))
    if (flight?.copy !== undefined) return { kind: 'copy', copy: flight.copy }
    if (flight?.live?.joinable && matches(flight, follower))
      return { kind: 'live', live: flight.live }
    if (flight?.live || flight?.parted || this.isShunned(resource)) return { kind: 'alone' }
    if (flight) return { kind: 'wait', landing: wait(flight, follower) }
    const started = newFlight<Copy>(resource, variant, follower.marks)
    this.#put(started)
    return { kind: 'lead', lease: this.#lease(started) }
  }

  #lease(flight: Flight<Copy>): Lease<Copy> {
    let held = true
    const once = (end: () => void) => () => {
      if (held) end()
      held = false
    }
    return {
      narrow: (names, variant) => {
        if (held) this.#narrow(flight, names, variant)
      },
      part() {
        if (!held) return
        flight.parted = true
        for (const waiter of flight.waiting) waiter.settle({ kind: 'alone' })
      },
      live: (live) => {
        if (!held) return
        this.#narrow(flight, live.head.names, live.head.variant)
        flight.live = live
        for (const waiter of flight.waiting) waiter.settle({ kind: 'live', live })
      },
      refuse: once(() => {
        this.shun(flight.resource)
        this.#disband(flight)
      }),
      land: (copy, written) => once(() => this.#land(flight, copy, written))(),
      abandon: once(() => this.#inherit(flight)),
    }
  }

  #narrow(flight: Flight<Copy>, names: readonly string[], variant: string): void {
    this.#remove(flight)
    flight.names = names
    flight.variant = variant
    if (!flight.purged && !this.#under.has(lane(flight.resource, variant))) this.#put(flight)
    for (const waiter of flight.waiting) {
      if (!matches(flight, waiter.follower)) waiter.settle({ kind: 'again' })
    }
  }

  #land(flight: Flight<Copy>, copy: Copy, written: Promise<unknown>): void {
    this.welcome(flight.resource)
    flight.copy = copy
    for (const waiter of flight.waiting) waiter.settle({ kind: 'copy', copy })
    // A reply to a question from before the write may stand in the same packet as the reply to the
    // write, and takes longer to reach whoever asked: the copy stays until that one has been told.
    const remove = (): unknown => setImmediate(() => this.#remove(flight))
    written.then(remove, remove)
  }

  #inherit(flight: Flight<Copy>): void {
    const [heir] = flight.waiting
    flight.heirs += 1
    if (heir === undefined || flight.heirs > mostHeirs) this.#disband(flight)
    else heir.settle({ kind: 'lead', lease: this.#lease(flight) })
  }

  #disband(flight: Flight<Copy>): void {
    this.#remove(flight)
    for (const waiter of flight.waiting) waiter.settle({ kind: 'alone' })
  }

  #put(flight: Flight<Copy>): void {
    this.#under.set(lane(flight.resource, flight.variant), flight)
    this.#purges.hear(this)
  }

  #remove(flight: Flight<Copy>): void {
    const name = lane(flight.resource, flight.variant)
    if (this.#under.get(name) === flight) this.#under.delete(name)
    if (this.#under.size === 0) this.#purges.ignore(this)
  }
}

function newFlight<Copy>(
  resource: string,
  variant: string,
  marks: readonly string[],
): Flight<Copy> {
  return {
    resource,
    marks,
    variant,
    names: undefined,
    copy: undefined,
    live: undefined,
    heirs: 0,
    parted: false,
    purged: false,
    waiting: new Set(),
  }
}

function lane(resource: string, variant: string): string {
  return `${resource} ${variant}`
}

/**
 * Whether a purge of these marks and resources concerns what is in the air. Its tags and groups are
 * known only where it is read while it grows: a handler may add tags until its answer has ended.
 */
function concerns<Copy>(purged: readonly string[], flight: Flight<Copy>): boolean {
  const { resource, marks, live, copy } = flight
  const told = copy === undefined ? live?.head.entry.marks : undefined
  return purged.some((mark) => {
    if (mark === resource || marks.includes(mark)) return true
    return told ? told.includes(mark) : isToldLater(mark)
  })
}

function matches<Copy>({ names, variant }: Flight<Copy>, follower: Follower): boolean {
  return names === undefined || follower.variantOf(names) === variant
}

function wait<Copy>(flight: Flight<Copy>, follower: Follower): Promise<Landing<Copy>> {
  return new Promise((resolve) => {
    const waiter: Waiter<Copy> = {
      follower,
      settle(landing) {
        flight.waiting.delete(waiter)
        resolve(landing)
      },
    }
    flight.waiting.add(waiter)
    follower.onGone(() => waiter.settle({ kind: 'gone' }))
  })
}
