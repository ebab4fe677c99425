import type { Call } from '../deadline.ts'
import { isAway } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Appended, NewEntry, ReadResult } from '../ports/history.ts'
import { type Attempt, goneOn } from './attempt.ts'
import { abandoned, salvageAll } from './salvage.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'

/** One session in the store, or in this process while the store is away: within one request's deadline. */
export class SessionLog {
  readonly #rules: MemoryRules
  readonly #scope: MemoryScope
  readonly #keys: SessionKeys
  readonly #call: Call

  constructor(rules: MemoryRules, scope: MemoryScope, keys: SessionKeys) {
    this.#rules = rules
    this.#scope = scope
    this.#keys = keys
    this.#call = { deadline: scope.deadline }
  }

  async append(entries: readonly NewEntry[], bounds: AppendBounds): Promise<Attempt<Appended>> {
    const { history, continuation, goesOn } = this.#rules
    try {
      // What was kept while the store was away goes first, so that the order holds.
      const settling = continuation.settle(this.#keys, this.#scope.deadline)
      if (settling) await settling
      const result = await history.append(this.#keys, entries, bounds, this.#call)
      return { result, degraded: false }
    } catch (error) {
      // Without the store nobody knows at which rev the session is.
      const standsIn = goesOn && bounds.ifRev === undefined
      return this.#goneOn(
        error,
        standsIn
          ? () => kept(continuation.keep(this.#keys, entries, bounds), entries.length)
          : undefined,
      )
    }
  }

  async read(limit: number, before?: number): Promise<ReadResult> {
    const { continuation, goesOn } = this.#rules
    try {
      const settling = this.#settleIfPossible()
      if (settling) await settling
      const stored = await this.#stored(limit, before)
      return withKept(stored, continuation.read(this.#keys, limit, before), limit)
    } catch (error) {
      const standIn = () => continuation.read(this.#keys, limit, before)
      return this.#goneOn(error, goesOn ? standIn : undefined).result
    }
  }

  async remove(): Promise<boolean> {
    const { history, continuation } = this.#rules
    // A replay under way would put back what is removed.
    await this.#settleIfPossible()
    const there = await history.remove(this.#keys, this.#call)
    continuation.forget(this.#keys)
    return there
  }

  /** Asks the store, and nobody else, once what was kept meanwhile has been sent. */
  async ask<T>(send: (call: Call) => Promise<T>): Promise<T> {
    await this.#settleIfPossible()
    return send(this.#call)
  }

  /** What is in the store, once turns that were abandoned have been ended. */
  async #stored(limit: number, before: number | undefined): Promise<ReadResult> {
    const { history, ttlMs } = this.#rules
    const range = { limit, before, ttlMs }
    const found = await history.read(this.#keys, range, this.#call)
    const lapsed = abandoned(found.meta)
    if (lapsed.length === 0) return found
    await salvageAll(this.#rules, this.#scope.codec, this.#keys, lapsed, this.#call)
    return history.read(this.#keys, range, this.#call)
  }

  #goneOn<T>(error: unknown, standIn: (() => T) | undefined): Attempt<T> {
    const gone = goneOn(error, standIn)
    this.#scope.degraded = true
    return gone
  }

  /** What the store refuses for now, because it is full, does not keep anybody from reading. */
  #settleIfPossible(): Promise<void> | undefined {
    const { continuation } = this.#rules
    return continuation.settle(this.#keys, this.#scope.deadline)?.catch((error: unknown) => {
      if (isAway(error)) throw error
      this.#scope.degraded = true
    })
  }
}

/** What the store does not take for now, because it is full, has been said all the same. */
function withKept(stored: ReadResult, { entries }: ReadResult, limit: number): ReadResult {
  if (entries.length === 0) return stored
  const ids = new Set(stored.entries.map(({ id }) => id))
  const last = stored.entries.at(-1)?.seq ?? 0
  const waiting = entries.filter(({ id }) => !ids.has(id))
  const after = waiting.map((entry, at) => ({ ...entry, seq: last + at + 1 }))
  return { ...stored, entries: [...stored.entries, ...after].slice(-limit) }
}

function kept(added: number, sent: number): Appended {
  return {
    kind: 'appended',
    rev: 0,
    seq: 0,
    added,
    duplicates: sent - added,
    trimmed: 0,
    created: false,
  }
}
