import type { SeenPlace } from '../ports/fills.ts'
import { publish } from '../telemetry.ts'
import type { Call, Made, Making } from './making.ts'
import type { Result, Results } from './results.ts'

/** A result, and where it came from. */
export interface Outcome<T> {
  readonly value: T
  /** Its stored form; `undefined` where it has none. */
  readonly body: Buffer | undefined
  readonly status: Made<T>['status'] | 'hit' | 'stale'
  readonly ageMs: number
  readonly written?: Made<T>['written']
}

interface RunsParts<T> {
  readonly results: Results<T>
  readonly making: Making<T>
  /** Whether calls at the same time share one run. */
  readonly coalesce: boolean
  /** Whether results may be purged by tags: then nobody gets what was read or made before a purge. */
  readonly tagged: boolean
}

/** Calls of one function in this process. */
export class Runs<T> {
  readonly #parts: RunsParts<T>
  readonly #running = new Map<string, Promise<Outcome<T>>>()
  readonly #renewing = new Set<string>()

  constructor(parts: RunsParts<T>) {
    this.#parts = parts
  }

  /** The result of a call: at hand, from the store, or made now. */
  async get(call: Call<T>): Promise<Outcome<T>> {
    const atHand = this.#parts.results.near(call.key)
    if (atHand) return found(atHand, 'hit')
    if (!this.#parts.coalesce) return this.#find(call)
    const running = this.#running.get(call.key)
    return running ? this.#join(running, call) : this.#lead(call)
  }

  /** What is under way was asked before: who asks from now on does not join it. */
  forget(key: string): void {
    this.#running.delete(key)
  }

  async #lead(call: Call<T>): Promise<Outcome<T>> {
    const run = this.#find(call)
    this.#running.set(call.key, run)
    const release = (): void => {
      if (this.#running.get(call.key) === run) this.#running.delete(call.key)
    }
    try {
      const outcome = await run
      // Until it is written, who asks is answered from here.
      if (outcome.written) void outcome.written.then(release)
      else release()
      return outcome
    } catch (error) {
      release()
      throw error
    }
  }

  async #join(running: Promise<Outcome<T>>, call: Call<T>): Promise<Outcome<T>> {
    const outcome = await running
    if (!this.#parts.tagged || outcome.status === 'bypass')
      return this.#copied(outcome) ?? this.#parts.making.unkept(call, 'miss')
    // Whoever asks after a purge does not get what another began before: the store tells.
    if ((await outcome.written) === 'refused') return this.#parts.making.unkept(call, 'miss')
    const atHand = this.#parts.results.near(call.key)
    const own = atHand ? found(atHand, 'hit') : await this.#find(call)
    return own.status === 'hit' && outcome.status === 'miss' ? { ...own, status: 'collapsed' } : own
  }

  async #find(call: Call<T>): Promise<Outcome<T>> {
    const looked = await this.#parts.results.find(call.key)
    if (looked === 'away') return this.#parts.making.unkept(call, 'bypass')
    const { result, seen } = looked
    if (result === undefined) return this.#parts.making.make(call, seen)
    if (result.staleMs < 0) return found(result, 'hit')
    if (result.staleMs >= result.swrMs) return this.#makeAnew(call, result, seen)
    this.#renew(call, seen)
    return found(result, 'stale')
  }

  async #makeAnew(call: Call<T>, stale: Result<T>, seen: Seen): Promise<Outcome<T>> {
    const began = performance.now()
    try {
      return await this.#parts.making.make(call, seen)
    } catch (error) {
      const tookMs = performance.now() - began
      if (stale.staleMs + tookMs >= stale.sieMs) throw error
      publish('error', () => ({ during: 'cached', error }))
      const { value, body, ageMs } = stale
      return { value, body, status: 'stale', ageMs: ageMs + tookMs }
    }
  }

  /** At most once at a time in this process. */
  #renew(call: Call<T>, seen: Seen): void {
    const { key } = call
    if (this.#renewing.has(key)) return
    this.#renewing.add(key)
    this.#parts.making
      .renew(call, seen)
      .catch((error: unknown) => publish('error', () => ({ during: 'cached', error })))
      .finally(() => this.#renewing.delete(key))
  }

  /** A value of one's own: who changes it changes it for nobody else. Nothing where it has no form. */
  #copied({ value, body, status, ageMs }: Outcome<T>): Outcome<T> | undefined {
    const shared = status === 'miss' || status === 'bypass' ? 'collapsed' : status
    const isShared = typeof value !== 'object' || value === null
    if (isShared) return { value, body, status: shared, ageMs }
    if (body === undefined) return undefined
    return { value: this.#parts.results.decode(body), body, status: shared, ageMs }
  }
}

type Seen = SeenPlace | undefined

function found<T>({ value, body, ageMs }: Result<T>, status: 'hit' | 'stale'): Outcome<T> {
  return { value, body, status, ageMs }
}
