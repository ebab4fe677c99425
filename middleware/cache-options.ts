import type { KeyedBody } from '../lib/cache/key.ts'
import { knownResources } from '../lib/cache/known-resources.ts'
import { tagMark } from '../lib/cache/marks.ts'
import type { QueryRule } from '../lib/cache/query.ts'
import type { CacheStore } from '../lib/cache/shelf.ts'
import { type Duration, toMs } from '../lib/duration.ts'
import { OptionError } from '../lib/errors.ts'
import { checkNames, type Names, oneOf, optionalFunction, wholeNumber } from '../lib/options.ts'
import { defaultStore } from '../lib/store.ts'
import { isListOfText, readKey } from './cache-key-options.ts'
import type {
  BodyOf,
  CachedMethod,
  CacheKeyOptions,
  CacheL1Options,
  CacheResponseOptions,
  CacheStreamOptions,
  TagsOf,
  TtlOf,
} from './cache-option-types.ts'
import type { UserOf } from './identity.ts'

/** The options, checked and complete. */
export interface CacheSettings<Native> {
  readonly store: CacheStore
  readonly ttl: TtlOf<Native> | undefined
  readonly mode: 'http' | 'app'
  readonly methods: ReadonlySet<string>
  readonly query: QueryRule
  /** Finds what a request asks for. */
  readonly resourceOf: ReturnType<typeof knownResources>
  readonly headers: readonly string[]
  readonly body: Exclude<KeyedBody['form'], 'own'> | BodyOf<Native>
  readonly extra: CacheKeyOptions<Native>['extra']
  readonly scope: CacheResponseOptions<Native>['scope']
  readonly user: UserOf<Native> | undefined
  readonly when: CacheResponseOptions<Native>['when']
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  readonly coalesce: 'process' | 'redis' | false
  readonly stream: StreamSettings
  readonly tags: TagsOf<Native>
  /** `undefined` where nothing is kept at hand. */
  readonly l1: { readonly maxBytes: number; readonly ttlMs: number } | undefined
  readonly maxRequestBody: number
  readonly maxEntry: number
  readonly cacheStatus: boolean
}

/** @throws OptionError for a wrong or unknown option. */
export function readCacheOptions<Native>(
  options: CacheResponseOptions<Native>,
): CacheSettings<Native> {
  checkNames<CacheResponseOptions<Native>>('cacheResponse', options, names)
  const { store: given, ttl, mode = 'http', methods = ['GET', 'HEAD', 'QUERY'] } = options
  const { key = {}, scope, user, when, cacheStatus = true } = options
  const { maxRequestBody = 65_536, maxEntry = 1_048_576 } = options
  optionalFunction('cacheResponse.user', user)
  optionalFunction('cacheResponse.when', when)
  if (scope !== undefined && typeof scope !== 'function')
    oneOf('cacheResponse.scope', scope, ['public', 'user'])
  const store = given === undefined ? defaultStore() : readStore(given)
  const inKey = readKey(key)
  return {
    ...inKey,
    resourceOf: knownResources(inKey.query),
    ...readSharing(options, store.provider === 'embedded'),
    store,
    ttl: readTtl(ttl),
    mode: oneOf('cacheResponse.mode', mode, ['http', 'app']),
    methods: readMethods(methods),
    scope,
    user,
    when,
    stream: readStream(options.stream),
    tags: readTags(options.tags),
    maxRequestBody: wholeNumber('cacheResponse.maxRequestBody', maxRequestBody),
    maxEntry: wholeNumber('cacheResponse.maxEntry', maxEntry),
    cacheStatus: oneOf<boolean>('cacheResponse.cacheStatus', cacheStatus, [true, false]),
  }
}

type Shared = 'staleWhileRevalidateMs' | 'staleIfErrorMs' | 'coalesce' | 'l1'

/** How answers are shared, and for how long: by default with all processes on the store. */
function readSharing<Native>(
  { staleWhileRevalidate, staleIfError, coalesce, l1 }: CacheResponseOptions<Native>,
  embedded: boolean,
): Pick<CacheSettings<Native>, Shared> {
  const span = (name: string, value: Duration | undefined) =>
    value === undefined ? 0 : toMs(`cacheResponse.${name}`, value)
  return {
    staleWhileRevalidateMs: span('staleWhileRevalidate', staleWhileRevalidate),
    staleIfErrorMs: span('staleIfError', staleIfError),
    coalesce: oneOf<'process' | 'redis' | false>(
      'cacheResponse.coalesce',
      coalesce ?? (embedded ? 'process' : 'redis'),
      ['process', 'redis', false],
    ),
    l1: (l1 ?? !embedded) ? readL1(l1 === undefined ? {} : l1) : undefined,
  }
}

function readL1(l1: false | CacheL1Options): CacheSettings<unknown>['l1'] {
  if (l1 === false) return undefined
  checkNames<CacheL1Options>('cacheResponse.l1', l1, { maxBytes: true, ttl: true })
  const { maxBytes = 16_777_216, ttl = '5s' } = l1
  return {
    maxBytes: wholeNumber('cacheResponse.l1.maxBytes', maxBytes),
    ttlMs: toMs('cacheResponse.l1.ttl', ttl),
  }
}

interface StreamSettings {
  readonly replay: 'burst' | 'original'
  readonly complete: (tail: Buffer) => boolean
}

function readStream(stream: CacheStreamOptions = {}): StreamSettings {
  checkNames<CacheStreamOptions>('cacheResponse.stream', stream, { replay: true, complete: true })
  const { replay = 'burst', complete = () => true } = stream
  optionalFunction('cacheResponse.stream.complete', complete)
  oneOf('cacheResponse.stream.replay', replay, ['burst', 'original'])
  return { replay, complete }
}

function readTags<Native>(tags: CacheResponseOptions<Native>['tags'] = []): TagsOf<Native> {
  if (typeof tags === 'function') return tags
  if (!isListOfText(tags)) throw new OptionError('cacheResponse.tags', 'a list of tags', tags)
  try {
    tags.map(tagMark)
  } catch {
    throw new OptionError('cacheResponse.tags', 'tags of 1 to 128 bytes', tags)
  }
  return () => tags
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
  staleWhileRevalidate: true,
  staleIfError: true,
  coalesce: true,
  stream: true,
  tags: true,
  l1: true,
  maxRequestBody: true,
  maxEntry: true,
  cacheStatus: true,
}

function readStore(store: CacheStore): CacheStore {
  const { entries, fills, deadline } = Object(store) as Partial<CacheStore>
  if (entries && fills && typeof deadline === 'function') return store
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
