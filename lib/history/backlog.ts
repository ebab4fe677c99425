import { StoreError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, NewEntry } from '../ports/history.ts'

const maxBytes = 16 * 1024 * 1024

/** Messages of one session that are still to be sent, oldest first. */
export interface Pending {
  readonly keys: SessionKeys
  bounds: AppendBounds
  readonly entries: Map<string, NewEntry>
  /** Sends them, while that is under way. */
  replay: Promise<void> | undefined
}

/** What is still to be sent, of all sessions: 16 MiB at most. */
export class Backlog {
  readonly #sessions = new Map<string, Pending>()
  #bytes = 0
  #messages = 0

  get size(): number {
    return this.#sessions.size
  }

  /** Messages of all sessions. */
  get messages(): number {
    return this.#messages
  }

  /** What is left, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  of({ session }: SessionKeys): Pending | undefined {
    return this.#sessions.get(session)
  }

  all(): Pending[] {
    return [...this.#sessions.values()]
  }

  /** How many were not there yet. @throws StoreError `full`. */
  add(keys: SessionKeys, entries: readonly NewEntry[], bounds: AppendBounds): number {
    const known = this.of(keys)
    const pending = known ?? { keys, bounds, entries: new Map(), replay: undefined }
    const fresh = new Map(entries.map((entry) => [entry.id, entry]))
    for (const id of pending.entries.keys()) fresh.delete(id)
    const added = [...fresh.values()]
    if (this.#bytes + size(added) > maxBytes)
      throw new StoreError('append', 'full', { outcome: 'not-sent' })
    for (const entry of added) pending.entries.set(entry.id, entry)
    pending.bounds = { ...bounds, title: pending.bounds.title ?? bounds.title }
    this.#bytes += size(added)
    this.#messages += added.length
    this.#sessions.set(keys.session, pending)
    return added.length
  }

  /** These were sent; a session without any is forgotten. */
  drop({ keys, entries }: Pending, sent: readonly NewEntry[]): void {
    const gone = sent.filter(({ id }) => entries.delete(id))
    this.#bytes -= size(gone)
    this.#messages -= gone.length
    if (entries.size === 0) this.#sessions.delete(keys.session)
  }

  /** Puts a session behind the others. */
  defer({ keys: { session } }: Pending): void {
    const pending = this.#sessions.get(session)
    if (pending === undefined || !this.#sessions.delete(session)) return
    this.#sessions.set(session, pending)
  }
}

function size(entries: readonly NewEntry[]): number {
  return entries.reduce((total, { payload }) => total + payload.byteLength + 128, 0)
}
