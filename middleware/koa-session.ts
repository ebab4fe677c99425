import { bounded, type SessionStoreOptions, sessionShelf } from './session-store.ts'

export type { SessionStoreOptions } from './session-store.ts'

/** What koa-session asks of a store. */
export interface KoaSessionStore {
  /** The session, or `undefined` where there is none. @throws StoreError when the store is away. */
  get(id: string): Promise<unknown>
  /**
   * Keeps a session for `maxAge` milliseconds; for the store's `ttl` where its cookie lives as long as
   * the browser.
   *
   * @throws StoreError when the store is away.
   */
  set(id: string, session: unknown, maxAge: number | 'session'): Promise<void>
  /** Forgets a session. @throws StoreError when the store is away. */
  destroy(id: string): Promise<void>
}

/**
 * Gives koa-session a store: `session({ store: sessionStore() }, app)`. An id that cannot name a
 * session, whatever a cookie says, names none.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function sessionStore(options: SessionStoreOptions = {}): KoaSessionStore {
  const { store, prefix, ttlSeconds, idOf, newId } = sessionShelf(options)

  async function destroy(id: string): Promise<void> {
    const known = idOf(id)
    if (known !== undefined) await store.delete(prefix + known)
  }

  return {
    async get(id) {
      const known = idOf(id)
      return known === undefined ? undefined : store.get(prefix + known)
    },
    async set(id, session, maxAge) {
      const key = prefix + newId(id)
      const ttl = typeof maxAge === 'number' ? maxAge / 1000 : ttlSeconds
      // As with a cookie, an age of 0 is over.
      if (!(ttl >= 0.001)) return destroy(id)
      await store.set(key, session, { ttl: bounded(ttl) })
    },
    destroy,
  }
}
