import { LRUCache } from 'lru-cache'
import {
  type Boarding,
  concerns,
  type Flight,
  type Follower,
  type Lease,
  lane,
  matches,
  newFlight,
  wait,
} from './flight.ts'
import type { PurgeListener, Purges } from './purges.ts'

// After so many leaders died the rest no longer wait for another.
const mostHeirs = 2
const notStoredForMs = 5000
const mostRemembered = 10_000

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
