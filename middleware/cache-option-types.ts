import type { Awaitable } from '../lib/awaitable.ts'
import type { QueryRule } from '../lib/cache/query.ts'
import type { CacheStore } from '../lib/cache/shelf.ts'
import type { Duration } from '../lib/duration.ts'
import type { Fields } from './exchange.ts'
import type { UserOf } from './identity.ts'

/** Methods whose answers can be cached; POST only where the application says so. */
export type CachedMethod = 'GET' | 'HEAD' | 'QUERY' | 'POST'

/** Status and fields of a response, before its body. */
export interface ResponseHead {
  readonly status: number
  readonly fields: Fields
}

/** Gives a response its time to live; `null` gives it none. */
export type TtlOf<Native> = (head: ResponseHead, native: Native) => Duration | null | undefined

/** Names whose answers these are; `null` bypasses the cache. */
export type ScopeOf<Native> = (native: Native) => Awaitable<string | number | null | undefined>

/** What a body means for the key; `null` bypasses the cache. Gets what a parser made, else bytes. */
export type BodyOf<Native> = (
  native: Native,
  body: unknown,
) => Awaitable<string | Uint8Array | null | undefined>

/** Gives a response its tags: names that `purge()` knows it by. */
export type TagsOf<Native> = (native: Native, head: ResponseHead) => readonly string[]

/** How streams of events are stored and given again. */
export interface CacheStreamOptions {
  /** `burst`: all at once. `original`: in the rhythm in which it came. @default 'burst' */
  readonly replay?: 'burst' | 'original' | undefined
  /**
   * Whether a stream that its handler has ended is whole, by its last bytes (4,096 at most); one that
   * is not is never stored. @default always true
   */
  readonly complete?: ((tail: Buffer) => boolean) | undefined
}

/** Answers that this process keeps at hand, in front of the store. */
export interface CacheL1Options {
  /** In bytes, of all answers together; the largest that is asked for on a store holds. @default 16_777_216 (16 MiB) */
  readonly maxBytes?: number | undefined
  /**
   * How long an answer is used without asking the store again: the longest that a purge in another
   * process goes unseen where its message is lost. @default '5s'
   */
  readonly ttl?: Duration | undefined
}

/** What chooses the answer besides method, scheme, host and path. */
export interface CacheKeyOptions<Native> {
  /**
   * All of the query, the parameters listed, or all but those to ignore. Beyond 100 parameters it is
   * all of them; a target with a `#` bypasses the cache where there is a list. @default true
   */
  readonly query?: QueryRule | undefined
  /** Request fields that stand in the key. @default [] */
  readonly headers?: readonly string[] | undefined
  /**
   * How the body of a POST or QUERY stands in the key. Canonical JSON sorts members and drops white
   * space; bytes that say more than that (a member given twice, `1.0`) stand as they are.
   * @default 'canonical-json'
   */
  readonly body?: 'canonical-json' | 'raw' | BodyOf<Native> | undefined
  /** A part of your own, as well-formed text; `null` bypasses the cache. @default none */
  readonly extra?: ((native: Native) => Awaitable<string | null | undefined>) | undefined
}

/** How responses are cached. */
export interface CacheResponseOptions<Native> {
  /** Where responses are kept. @default the default store */
  readonly store?: CacheStore | undefined
  /** How long a response is fresh where the origin does not say. @default it is not stored then */
  readonly ttl?: Duration | TtlOf<Native> | undefined
  /**
   * `http`: the response's fields and the client's directives rule. `app`: `ttl` goes before them;
   * what must never be stored is not stored either. @default 'http'
   */
  readonly mode?: 'http' | 'app' | undefined
  /** Methods that are looked up; POST only where it is listed. @default ['GET', 'HEAD', 'QUERY'] */
  readonly methods?: readonly CachedMethod[] | undefined
  /** What tells answers apart, besides method, scheme, host and path. @default the whole query */
  readonly key?: CacheKeyOptions<Native> | undefined
  /**
   * Whose answers these are, in the key: everybody's, the user's or guest's, or those of an id (text
   * of 1 to 128 bytes, or a safe integer). A guest who sends `Authorization` or a cookie of others
   * may be signed in further down, and bypasses the cache. Without `scope` nothing that may be
   * personal is stored: a `ttl` holds for nobody who is signed in. @default none
   */
  readonly scope?: 'public' | 'user' | ScopeOf<Native> | undefined
  /** Names the signed-in user. @default `user.id`, else `session.userId` */
  readonly user?: UserOf<Native> | undefined
  /** False bypasses the cache; true promises nothing. @default always true */
  readonly when?: ((native: Native) => Awaitable<boolean>) | undefined
  /**
   * How long after its life a response is still given while a new one is made (RFC 5861 section 3),
   * where it does not say so itself. @default not at all
   */
  readonly staleWhileRevalidate?: Duration | undefined
  /**
   * How long after its life a response stands in for a failure (RFC 5861 section 4): 500, 502, 503,
   * 504, a handler that throws. Where it does not say so itself. @default not at all
   */
  readonly staleIfError?: Duration | undefined
  /**
   * Requests that miss at the same time wait for one of them: of this process, or of all processes on
   * the store (`redis`). @default 'redis', and 'process' where the store is embedded
   */
  readonly coalesce?: 'process' | 'redis' | false | undefined
  /** How streams of events are kept and given again. */
  readonly stream?: CacheStreamOptions | undefined
  /**
   * Names of 1 to 128 bytes by which `purge()` finds responses. With its address, its owner and its
   * `Cache-Groups` a response has at most 64; one that has more is not stored. @default none
   */
  readonly tags?: readonly string[] | TagsOf<Native> | undefined
  /** Answers kept at hand in this process. @default on, and off where the store is embedded */
  readonly l1?: false | CacheL1Options | undefined
  /** In bytes; a larger body of a POST or QUERY bypasses the cache. @default 65_536 */
  readonly maxRequestBody?: number | undefined
  /** In bytes; a larger response is not stored. @default 1_048_576 */
  readonly maxEntry?: number | undefined
  /** Says in `Cache-Status` (RFC 9211) what the cache did. @default true */
  readonly cacheStatus?: boolean | undefined
}
