import { token } from '../lib/cache/fields.ts'
import type { KeyedBody } from '../lib/cache/key.ts'
import type { QueryRule } from '../lib/cache/query.ts'
import type { CacheStore } from '../lib/cache/shelf.ts'
import { type Duration, toMs } from '../lib/duration.ts'
import { OptionError } from '../lib/errors.ts'
import { checkNames, type Names, oneOf, optionalFunction, wholeNumber } from '../lib/options.ts'
import { defaultStore } from '../lib/store.ts'
import type { Fields } from './exchange.ts'
import type { Awaitable, UserOf } from './identity.ts'

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
  /** Requests that miss at the same time wait for one of them. @default 'process' */
  readonly coalesce?: 'process' | false | undefined
  /** In bytes; a larger body of a POST or QUERY bypasses the cache. @default 65_536 */
  readonly maxRequestBody?: number | undefined
  /** In bytes; a larger response is not stored. @default 1_048_576 */
  readonly maxEntry?: number | undefined
  /** Says in `Cache-Status` (RFC 9211) what the cache did. @default true */
  readonly cacheStatus?: boolean | undefined
}

/** The options, checked and complete. */
export interface CacheSettings<Native> {
  readonly store: CacheStore
  readonly ttl: TtlOf<Native> | undefined
  readonly mode: 'http' | 'app'
  readonly methods: ReadonlySet<string>
  readonly query: QueryRule
  readonly headers: readonly string[]
  readonly body: Exclude<KeyedBody['form'], 'own'> | BodyOf<Native>
  readonly extra: CacheKeyOptions<Native>['extra']
  readonly scope: CacheResponseOptions<Native>['scope']
  readonly user: UserOf<Native> | undefined
  readonly when: CacheResponseOptions<Native>['when']
  readonly coalesce: boolean
  readonly maxRequestBody: number
  readonly maxEntry: number
  readonly cacheStatus: boolean
}

/** @throws OptionError for a wrong or unknown option. */
export function readCacheOptions<Native>(
  options: CacheResponseOptions<Native>,
): CacheSettings<Native> {
  checkNames<CacheResponseOptions<Native>>('cacheResponse', options, names)
  const { store, ttl, mode = 'http', methods = ['GET', 'HEAD', 'QUERY'], key = {} } = options
  const { scope, user, when, coalesce = 'process', cacheStatus = true } = options
  const { maxRequestBody = 65_536, maxEntry = 1_048_576 } = options
  optionalFunction('cacheResponse.user', user)
  optionalFunction('cacheResponse.when', when)
  if (scope !== undefined && typeof scope !== 'function')
    oneOf('cacheResponse.scope', scope, ['public', 'user'])
  return {
    ...readKey(key),
    store: store === undefined ? defaultStore() : readStore(store),
    ttl: readTtl(ttl),
    mode: oneOf('cacheResponse.mode', mode, ['http', 'app']),
    methods: readMethods(methods),
    scope,
    user,
    when,
    coalesce:
      oneOf<string | false>('cacheResponse.coalesce', coalesce, ['process', false]) !== false,
    maxRequestBody: wholeNumber('cacheResponse.maxRequestBody', maxRequestBody),
    maxEntry: wholeNumber('cacheResponse.maxEntry', maxEntry),
    cacheStatus: oneOf<boolean>('cacheResponse.cacheStatus', cacheStatus, [true, false]),
  }
}

const names: Names<CacheResponseOptions<unknown>> = {
  store: true,
  ttl: true,
  mode: true,
  methods: true,
  key: true,
  scope: true,
  user: true,
  when: true,
  coalesce: true,
  maxRequestBody: true,
  maxEntry: true,
  cacheStatus: true,
}

function readStore(store: CacheStore): CacheStore {
  if (typeof store?.entries?.find === 'function' && typeof store.deadline === 'function')
    return store
  throw new OptionError('cacheResponse.store', 'a store made by createStore', store)
}

function readTtl<Native>(ttl: CacheResponseOptions<Native>['ttl']): TtlOf<Native> | undefined {
  if (ttl === undefined || typeof ttl === 'function') return ttl
  toMs('cacheResponse.ttl', ttl)
  return () => ttl
}

const cachedMethods = ['GET', 'HEAD', 'QUERY', 'POST'] as const

function readMethods(methods: readonly CachedMethod[]): ReadonlySet<string> {
  if (!Array.isArray(methods) || methods.length === 0)
    throw new OptionError('cacheResponse.methods', 'an array of methods', methods)
  return new Set(methods.map((method) => oneOf('cacheResponse.methods', method, cachedMethods)))
}

type ReadKey<Native> = Pick<CacheSettings<Native>, 'query' | 'headers' | 'body' | 'extra'>

function readKey<Native>(key: CacheKeyOptions<Native>): ReadKey<Native> {
  checkNames<CacheKeyOptions<Native>>('cacheResponse.key', key, keyNames)
  const { query = true, headers = [], body = 'canonical-json', extra } = key
  optionalFunction('cacheResponse.key.extra', extra)
  if (!Array.isArray(headers) || !headers.every(isFieldName))
    throw new OptionError('cacheResponse.key.headers', 'an array of field names', headers)
  if (typeof body !== 'function') oneOf('cacheResponse.key.body', body, ['canonical-json', 'raw'])
  return {
    query: readQuery(query),
    headers: headers.map((name) => name.toLowerCase()).sort(),
    body: body === 'canonical-json' ? 'json' : body,
    extra,
  }
}

const keyNames: Names<CacheKeyOptions<unknown>> = {
  query: true,
  headers: true,
  body: true,
  extra: true,
}

function readQuery(query: QueryRule): QueryRule {
  if (query === true || isListOfText(query)) return query
  if (typeof query === 'object' && query !== null && !Array.isArray(query)) {
    checkNames<{ ignore: readonly string[] }>('cacheResponse.key.query', query as never, {
      ignore: true,
    })
    if (isListOfText((query as { ignore: unknown }).ignore)) return query
  }
  throw new OptionError(
    'cacheResponse.key.query',
    'true, an array of names or { ignore: names }',
    query,
  )
}

function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isFieldName(value: unknown): boolean {
  return typeof value === 'string' && token.test(value)
}
