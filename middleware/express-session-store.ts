import type { RedisStore } from 'connect-redis'
import { type SessionData, Store } from 'express-session'
import { decodeId } from '../lib/keys.ts'
import { sessionClient } from './express-session-client.ts'
import { proofOf } from './express-session-proof.ts'
import type { SessionShelf } from './session-store.ts'

/** Told of the outcome, as Node's callbacks are. */
export type Told<T> = (error?: unknown, value?: T) => void

/**
 * A store for express-session. Each method tells its callback, where it has one, and gives a promise
 * otherwise.
 */
export class SessionStore extends Store {
  readonly #sessions: RedisStore
  readonly #shelf: SessionShelf
  readonly #proof: () => Promise<void>

  constructor(kind: typeof RedisStore, shelf: SessionShelf) {
    super()
    const { prefix, ttlSeconds } = shelf
    const client = sessionClient(shelf)
    this.#sessions = new kind({ client, prefix, ttl: ttlSeconds, serializer: asItIs })
    this.#shelf = shelf
    this.#proof = proofOf(this.#sessions)
  }

  /** The session, or `null`: also for an id that cannot name one. */
  get(sid: string, told?: Told<SessionData | null>): Promise<SessionData | null | undefined> {
    const id = this.#shelf.idOf(sid)
    return this.#tell(told, async (sessions) => (id === undefined ? null : sessions.get(id)))
  }

  /** Keeps a session until its cookie expires, else for the `ttl`. */
  set(sid: string, session: SessionData, told?: Told<void>): Promise<void> {
    return this.#tell(told, async (sessions) => {
      await sessions.set(this.#shelf.newId(sid), session)
    })
  }

  /** Renews a session's time to live. */
  override touch(sid: string, session: SessionData, told?: Told<void>): Promise<void> {
    const id = this.#shelf.idOf(sid)
    return this.#tell(told, async (sessions) => {
      if (id !== undefined) await sessions.touch(id, session)
    })
  }

  /** Forgets a session. */
  destroy(sid: string, told?: Told<void>): Promise<void> {
    const id = this.#shelf.idOf(sid)
    return this.#tell(told, async (sessions) => {
      if (id !== undefined) await sessions.destroy(id)
    })
  }

  /** All sessions, each with its `id`. Walks all keys. */
  override all(told?: Told<SessionData[]>): Promise<SessionData[] | undefined> {
    return this.#tell(told, async (sessions) => {
      const all: (SessionData & { id: string })[] = await sessions.all()
      return all.map((session) => Object.assign(session, { id: plainId(session.id) }))
    })
  }

  /** The ids of all sessions. Walks all keys. */
  ids(told?: Told<string[]>): Promise<string[] | undefined> {
    return this.#tell(told, async (sessions) => {
      const ids: string[] = await sessions.ids()
      return ids.map(plainId)
    })
  }

  /** How many sessions there are. Walks all keys. */
  override length(told?: Told<number>): Promise<number | undefined> {
    return this.#tell<number>(told, (sessions) => sessions.length())
  }

  /** Forgets all sessions. Walks all keys. */
  override clear(told?: Told<void>): Promise<void> {
    return this.#tell(told, async (sessions) => {
      await sessions.clear()
    })
  }

  async #tell<T>(
    told: Told<T> | undefined,
    ask: (sessions: RedisStore) => Promise<T>,
  ): Promise<T | undefined> {
    const outcome = this.#proof().then(() => ask(this.#sessions))
    if (told === undefined) return outcome
    // On a turn of its own: what a callback throws is no failure of the store.
    return outcome.then(
      (value) => void process.nextTick(told, null, value),
      (error: unknown) => void process.nextTick(told, error),
    ) as Promise<undefined>
  }
}

/** For connect-redis: the store's own serializer makes text of a session, and nobody before it. */
const asItIs = {
  stringify: (session: SessionData) => session as never,
  parse: (session: unknown) => session as never,
}

function plainId(encoded: string): string {
  try {
    return decodeId(encoded)
  } catch {
    // A key of somebody else's, under the same prefix.
    return encoded
  }
}
