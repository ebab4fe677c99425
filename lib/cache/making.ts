import type { FillEnd, SeenPlace } from '../ports/fills.ts'
import { publish } from '../telemetry.ts'
import type { Follow } from './following.ts'
import type { Lead } from './leading.ts'
import type { NewResult, Results } from './results.ts'
import type { ClaimOrMade, Sharing } from './sharing.ts'
import type { CacheStore } from './shelf.ts'

/** One call of a function whose results are kept. */
export interface Call<T> {
  /** Of its result. */
  readonly key: string
  /** Runs the function. */
  run(): Promise<T>
  /** What purges a result; `undefined` where that cannot be said: then it is not kept. */
  marks(value: T): readonly string[] | undefined
}

/** A result that was made now, here or in another process. */
export interface Made<T> {
  readonly value: T
  /** Its stored form, taken before anybody could change the value; `undefined` where it has none. */
  readonly body: Buffer | undefined
  /** `bypass`: the store is away. */
  readonly status: 'miss' | 'collapsed' | 'bypass'
  readonly ageMs: number
  /** Resolves once it is written, or cannot be. Never rejects. */
  readonly written: Promise<FillEnd> | undefined
}

interface MakingParts<T> {
  readonly store: Pick<CacheStore, 'entries' | 'deadline'>
  readonly results: Results<T>
  /** Without it other processes are not waited for. */
  readonly sharing: Sharing | undefined
  /** Whether results carry marks. */
  readonly tagged: boolean
  /** Whether a result was to be forgotten since. */
  forgotten(key: string, began: number): boolean
}

type Seen = SeenPlace | undefined
type Origin = Pick<NewResult, 'since' | 'began' | 'token'>

const refused: Promise<FillEnd> = Promise.resolve('refused')

// After so many leaders failed nobody waits for another.
const mostHeirs = 2

/** Makes results; over all processes one at a time, where they share. */
export class Making<T> {
  readonly #parts: MakingParts<T>

  constructor(parts: MakingParts<T>) {
    this.#parts = parts
  }

  /**
   * Runs the function, or waits for another process that does, or has done since `seen` was. Rejects
   * as the function does.
   */
  make(call: Call<T>, seen: Seen): Promise<Made<T>> {
    const { sharing } = this.#parts
    return sharing ? this.#together(sharing, call, seen) : this.#apart(call)
  }

  /** Runs it behind a stale result, unless another process does, or has, or the store is away. */
  async renew(call: Call<T>, seen: Seen): Promise<void> {
    const made = await this.#renewed(call, seen)
    await made?.written
  }

  async #renewed(call: Call<T>, seen: Seen): Promise<Made<T> | undefined> {
    const { sharing } = this.#parts
    if (sharing === undefined) return this.#apart(call)
    const claimed = await this.#claim(sharing, call, seen)
    if (claimed.kind === 'lead') return this.#led(call, claimed.lead)
    if (claimed.kind === 'alone') return this.#alone(call, claimed.since)
    if (claimed.kind === 'follow') claimed.follow.leave()
    return undefined
  }

  async #together(sharing: Sharing, call: Call<T>, seen: Seen): Promise<Made<T>> {
    for (let heirs = 0; heirs <= mostHeirs; heirs++) {
      const made = await this.#takeTurn(sharing, call, seen)
      if (made) return made
    }
    return this.unkept(call, 'miss')
  }

  /** Nothing where whoever was followed has made no result: somebody else may. */
  async #takeTurn(sharing: Sharing, call: Call<T>, seen: Seen): Promise<Made<T> | undefined> {
    const claimed = await this.#claim(sharing, call, seen)
    switch (claimed.kind) {
      case 'made':
        return claimed.made
      case 'lead':
        return this.#led(call, claimed.lead)
      case 'follow':
        return this.#followed(call, claimed.follow)
      case 'alone':
        return this.#alone(call, claimed.since)
      case 'away':
        return this.unkept(call, 'bypass')
    }
  }

  async #followed(call: Call<T>, follow: Follow): Promise<Made<T> | undefined> {
    const { kind } = await follow.next
    follow.leave()
    switch (kind) {
      case 'failed':
      case 'lapsed':
        return undefined
      case 'kept':
        return (await this.#kept(call)) ?? this.unkept(call, 'miss')
      case 'away':
        return this.unkept(call, 'bypass')
      default:
        return this.unkept(call, 'miss')
    }
  }

  /** What another process has kept; nothing where that is purged by now. */
  async #kept({ key }: Call<T>): Promise<Made<T> | undefined> {
    const found = await this.#parts.results.find(key)
    if (found === 'away' || found.result === undefined || found.result.staleMs >= 0)
      return undefined
    const { value, body, ageMs } = found.result
    return { value, body, status: 'collapsed', ageMs, written: undefined }
  }

  #claim(sharing: Sharing, call: Call<T>, seen: Seen): Promise<ClaimOrMade<Made<T>>> {
    const place = { key: call.key, variant: '' }
    const again = () => this.#kept(call)
    return sharing.claimUnlessMade(place, this.#parts.store.deadline(), { seen, again })
  }

  async #led(call: Call<T>, lead: Lead): Promise<Made<T>> {
    const { since, token } = lead
    const began = performance.now()
    try {
      const made = await this.#made(call, { since, began, token })
      void made.written?.then((how) => lead.end(how))
      return made
    } catch (error) {
      lead.end('failed')
      throw error
    }
  }

  async #alone(call: Call<T>, since: number): Promise<Made<T>> {
    return this.#made(call, { since, began: performance.now(), token: undefined })
  }

  /** What is purged while it is made must not be used: so the clock is asked before. */
  async #apart(call: Call<T>): Promise<Made<T>> {
    if (!this.#parts.tagged) return this.#alone(call, 0)
    const { store } = this.#parts
    let since: number
    try {
      since = await store.entries.clock({ deadline: store.deadline() })
    } catch (error) {
      publish('error', () => ({ during: 'cached read', error }))
      return this.unkept(call, 'bypass')
    }
    return this.#alone(call, since)
  }

  async #made(call: Call<T>, from: Origin): Promise<Made<T>> {
    const value = await call.run()
    const body = this.#parts.results.encode(value)
    const marks = body && call.marks(value)
    const written = marks ? this.#keep(call.key, { body, marks, ...from }) : refused
    return { value, body, status: 'miss', ageMs: 0, written }
  }

  async #keep(key: string, result: NewResult): Promise<FillEnd> {
    if (this.#parts.forgotten(key, result.began)) return 'failed'
    return (await this.#parts.results.keep(key, result)) ? 'kept' : 'failed'
  }

  /** Runs it for this call alone. */
  async unkept(call: Call<T>, status: 'miss' | 'bypass'): Promise<Made<T>> {
    const value = await call.run()
    const body = this.#parts.results.encode(value)
    return { value, body, status, ageMs: 0, written: undefined }
  }
}
