import { configFromEnv } from '../lib/config.ts'
import { type Duration, toMs } from '../lib/duration.ts'
import { OptionError, UsageError } from '../lib/errors.ts'
import { encodeId, IdError } from '../lib/keys.ts'
import { checkNames } from '../lib/options.ts'
import { checkStore, defaultStore, type Store } from '../lib/store.ts'

/** Options of `sessionStore()`. */
export interface SessionStoreOptions {
  /** Where sessions are kept. @default the default store */
  readonly store?: Store
  /** How long a session is kept whose cookie has no age of its own. @default SESSION_TTL, else 3600 */
  readonly ttl?: Duration
  /** Stands before a session's id in its key; no braces. @default 'sess:' */
  readonly prefix?: string
}

/** Sessions of any framework: where they are, under which keys and for how long. */
export interface SessionShelf {
  readonly store: Store
  readonly prefix: string
  readonly ttlSeconds: number
  /** The id as keys hold it; `undefined` for one that cannot name a session. */
  idOf(id: unknown): string | undefined
  /** The same, for an id the application chose. @throws UsageError for one that cannot name a session. */
  newId(id: unknown): string
}

const where = 'sessionStore'
// What the package keeps under names of its own: listing or clearing sessions must not meet it.
const taken = ['session:', 'limit:', 'cache:']

/** @throws OptionError for a wrong or unknown option. */
export function sessionShelf(options: SessionStoreOptions): SessionShelf {
  checkNames<SessionStoreOptions>(where, options, { store: true, ttl: true, prefix: true })
  if (options.store !== undefined) checkStore(`${where}.store`, options.store)
  const { store = defaultStore(), ttl = configFromEnv().sessionTtl, prefix = 'sess:' } = options
  const ttlSeconds = toMs(`${where}.ttl`, ttl) / 1000
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,64}$/.test(prefix))
    throw new OptionError(
      `${where}.prefix`,
      'text of 1 to 64 characters without braces or spaces',
      prefix,
    )
  if (taken.some((name) => name.startsWith(prefix) || prefix.startsWith(name)))
    throw new OptionError(`${where}.prefix`, `apart from ${taken.join(' ')}`, prefix)
  return { store, prefix, ttlSeconds, idOf, newId }
}

function idOf(id: unknown): string | undefined {
  try {
    return encodeId('The session id', id)
  } catch (error) {
    if (error instanceof IdError) return undefined
    throw error
  }
}

function newId(id: unknown): string {
  const encoded = idOf(id)
  if (encoded !== undefined) return encoded
  throw new UsageError('A session id must be text of 1 to 128 bytes: look at `genid`')
}

const longestSeconds = 100 * 365 * 86_400

/** A time to live that the store takes: a cookie may live longer than anything else. */
export function bounded(seconds: number): number {
  return Math.min(seconds, longestSeconds)
}
