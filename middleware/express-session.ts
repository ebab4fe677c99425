import { RedisStore } from 'connect-redis'
import { SessionStore } from './express-session-store.ts'
import { type SessionStoreOptions, sessionShelf } from './session-store.ts'

export type { SessionStoreOptions } from './session-store.ts'

/**
 * Gives express-session a store: `session({ store: sessionStore(), … })`. It is the `RedisStore` of
 * connect-redis 8.1.0 over a store of this package. Loads and saves fail with a `StoreError` within the
 * store's deadline when the store is away.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function sessionStore(options: SessionStoreOptions = {}): SessionStore {
  return new SessionStore(RedisStore, sessionShelf(options))
}
