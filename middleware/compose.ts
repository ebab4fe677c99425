import type { Awaitable } from '../lib/awaitable.ts'
import { OptionError } from '../lib/errors.ts'
import type { AnyCore, Core, Exchange, Outcome } from './exchange.ts'

const slot: unique symbol = Symbol.for('memoryware.core') as never

/** What a middleware carries, so that it can be composed with others. */
interface Carried<Native> {
  /** The framework that its functions know. */
  readonly framework: string
  readonly cores: readonly AnyCore<Native>[]
}

/** Lets a middleware carry its cores, where `compose()` finds them. Copies of this package share it. */
export function carry<Native, Middleware extends object>(
  middleware: Middleware,
  carried: Carried<Native>,
): Middleware {
  return Object.defineProperty(middleware, slot, { value: carried })
}

/** Whether it is a middleware of ours that can be composed. */
export function isOurs(middleware: unknown): boolean {
  return Object(middleware)[slot] !== undefined
}

/**
 * The cores of middlewares that are composed, in order.
 *
 * @throws OptionError naming the place of what is none of ours, or is for another framework.
 */
export function coresOf<Native>(
  framework: string,
  middlewares: readonly unknown[],
): readonly AnyCore<Native>[] {
  if (middlewares.length === 0) throw new OptionError('compose', 'given middlewares', undefined)
  return middlewares.flatMap((middleware, place) => {
    const carried: Carried<Native> | undefined = Object(middleware)[slot]
    if (carried?.framework === framework) return carried.cores
    const wanted = 'what sessionMemory(), rateLimit(), cacheResponse() or compose() made'
    throw new OptionError(`compose[${place}]`, `${wanted} for ${framework}`, middleware)
  })
}

/** Cores that a request goes through, and what goes out along with the first commands of each. */
export interface Plan<Native> {
  readonly cores: readonly Core<Native, unknown, unknown>[]
  /** By the place of the core that it goes along with. */
  readonly along: readonly (Along<Native> | undefined)[]
}

/** A lookup that goes out along with the commands of a core that may yet refuse the request. */
interface Along<Native> {
  readonly place: number
  readonly core: AnyCore<Native>
  waits(started: unknown): boolean
}

/** One core, without company. */
export function alone<Native>(core: Core<Native, unknown, unknown>): Plan<Native> {
  return { cores: [core], along: [] }
}

/**
 * Cores one after the other. The next that only reads begins along with one that waits, where nothing
 * up to it calls a function of the application that would not have been called by then.
 */
export function together<Native>(cores: readonly AnyCore<Native>[]): Plan<Native> {
  const along = cores.map((_, place) => alongOf(cores, place))
  return { cores, along: along.some((each) => each !== undefined) ? along : [] }
}

function alongOf<Native>(
  cores: readonly AnyCore<Native>[],
  first: number,
): Along<Native> | undefined {
  const leader = cores[first]
  // What a cache answers needs no other cache.
  if (leader === undefined || leader.ahead !== undefined) return undefined
  const asked = new Set(cores.slice(0, first + 1).flatMap(({ asks }) => asks))
  for (const [place, core] of cores.entries()) {
    if (place <= first) continue
    if (core.asks.some((each) => !asked.has(each))) return undefined
    if (core.ahead !== undefined) return { place, core, waits: (started) => leader.waits(started) }
  }
  return undefined
}

/** What a core has prepared and started. */
interface Begun {
  readonly prepared: unknown
  readonly started: unknown
}

/** The three steps of a core that nothing goes along with. */
function runAlone<Native>(
  core: Core<Native, unknown, unknown>,
  exchange: Exchange<Native>,
): Awaitable<Outcome> {
  const prepared = core.prepare(exchange)
  return prepared instanceof Promise
    ? prepared.then((found) => core.finish(exchange, found, core.start(exchange, found)))
    : core.finish(exchange, prepared, core.start(exchange, prepared))
}

/** The way of one request through a plan. */
export class Walk<Native> {
  readonly #plan: Plan<Native>
  readonly #exchange: Exchange<Native>
  #at = 0
  #refused = false
  #along: { readonly place: number; readonly begun: Promise<Begun | undefined> } | undefined

  constructor(plan: Plan<Native>, exchange: Exchange<Native>) {
    this.#plan = plan
    this.#exchange = exchange
  }

  /** Whether no core is left: the application is next. */
  get done(): boolean {
    return this.#at === this.#plan.cores.length
  }

  /** Runs the next core. Whatever it found wrong with the request, it says only now. */
  step(): Awaitable<Outcome> {
    const place = this.#at
    const core = this.#plan.cores[place]
    if (core === undefined) return 'next'
    this.#at += 1
    return this.#plan.along.length === 0
      ? runAlone(core, this.#exchange)
      : this.#watched(core, place)
  }

  /** Whoever began along with a core hears whether the request got past it. */
  #watched(core: Core<Native, unknown, unknown>, place: number): Awaitable<Outcome> {
    const concluded = (outcome: Outcome): Outcome => {
      this.#refused = outcome === 'answered'
      return outcome
    }
    const failed = (error: unknown): never => {
      this.#refused = true
      throw error
    }
    try {
      const outcome = this.#run(core, place)
      return outcome instanceof Promise ? outcome.then(concluded, failed) : concluded(outcome)
    } catch (error) {
      return failed(error)
    }
  }

  #run(core: Core<Native, unknown, unknown>, place: number): Awaitable<Outcome> {
    const early = this.#isAway(place) ? this.#along?.begun : undefined
    if (early) return this.#goOn(core, place, early)
    const prepared = core.prepare(this.#exchange)
    return prepared instanceof Promise
      ? prepared.then((found) => this.#begin(core, place, found))
      : this.#begin(core, place, prepared)
  }

  /** Goes on with what began along with a core before. */
  async #goOn(
    core: Core<Native, unknown, unknown>,
    place: number,
    early: Promise<Begun | undefined>,
  ): Promise<Outcome> {
    const begun = await early
    if (begun === undefined) return this.#begin(core, place, await core.prepare(this.#exchange))
    return this.#finish(core, place, begun)
  }

  #begin(
    core: Core<Native, unknown, unknown>,
    place: number,
    prepared: unknown,
  ): Awaitable<Outcome> {
    return this.#finish(core, place, { prepared, started: core.start(this.#exchange, prepared) })
  }

  #finish(
    core: Core<Native, unknown, unknown>,
    place: number,
    { prepared, started }: Begun,
  ): Awaitable<Outcome> {
    this.#accompany(place, started)
    return core.finish(this.#exchange, prepared, started)
  }

  #accompany(place: number, started: unknown): void {
    const along = this.#plan.along[place]
    if (along === undefined || this.#isAway(along.place) || !along.waits(started)) return
    this.#along = { place: along.place, begun: this.#ahead(along.core) }
  }

  #isAway(place: number): boolean {
    return this.#along?.place === place
  }

  async #ahead(core: AnyCore<Native>): Promise<Begun | undefined> {
    try {
      const prepared = await core.ahead?.(this.#exchange)
      // Meanwhile the request may have been refused.
      if (prepared === undefined || this.#refused) return undefined
      return { prepared, started: core.start(this.#exchange, prepared) }
    } catch {
      // It is prepared once more when it is its turn, and its error is told in its place.
      return undefined
    }
  }
}
