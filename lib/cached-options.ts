import { marksOf, tagMark } from './cache/marks.ts'
import { type Duration, toMs } from './duration.ts'
import { MemorywareError, OptionError } from './errors.ts'
import type { Id } from './keys.ts'
import { checkNames, type Names, oneOf, optionalFunction } from './options.ts'
import { json, type Serializer } from './serializer.ts'
import { checkStore, type Store } from './store.ts'

/** How a function's results are kept. */
export interface CachedOptions<Args extends readonly unknown[], T = unknown> {
  /** How long a result is kept. */
  readonly ttl: Duration
  /**
   * Names the results: functions of one name share them, over all processes on the store.
   * @default the function's own name
   */
  readonly name?: string
  /**
   * What tells one call from another, as JSON. Leave a user out of it only where all users may have
   * the same result.
   * @default the arguments
   */
  readonly key?: (...args: Args) => unknown
  /**
   * What `store.purge({ tags })` finds a result by: at most 64 ids, for all results, or for each. A
   * result whose tags cannot be told is not kept. @default none
   */
  readonly tags?: readonly Id[] | ((value: T, ...args: Args) => readonly Id[])
  /**
   * How long after its `ttl` a result may still be given, while the function runs again behind it.
   * @default not at all
   */
  readonly staleWhileRevalidate?: Duration
  /** How long after its `ttl` a result is given where the function throws. @default not at all */
  readonly staleIfError?: Duration
  /**
   * Which calls at the same time, with the same arguments, share one run: those of all processes on
   * the store, of this process, or none.
   * @default 'redis', on an embedded store 'process'
   */
  readonly coalesce?: 'redis' | 'process' | false
  /** Where results are kept. @default the default store, asked for at the first call */
  readonly store?: Store
  /** The form of stored results. @default json */
  readonly serializer?: Serializer
}

/** The options of one cached function, checked. */
export interface CachedSettings<Args extends readonly unknown[], T> {
  readonly name: string
  readonly key: CachedOptions<Args, T>['key']
  readonly store: Store | undefined
  readonly serializer: Serializer
  readonly ttlMs: number
  readonly swrMs: number
  readonly sieMs: number
  /** Marks that all results carry. */
  readonly marks: readonly string[]
  readonly tagsOf: ((value: T, ...args: Args) => readonly Id[]) | undefined
  readonly coalesce: CachedOptions<Args, T>['coalesce']
}

const names: Names<CachedOptions<[]>> = {
  ttl: true,
  name: true,
  key: true,
  tags: true,
  staleWhileRevalidate: true,
  staleIfError: true,
  coalesce: true,
  store: true,
  serializer: true,
}

/** Checks the options of `cached()`. @throws OptionError */
export function readCachedOptions<Args extends readonly unknown[], T>(
  fn: (...args: Args) => unknown,
  options: CachedOptions<Args, T>,
): CachedSettings<Args, T> {
  if (typeof fn !== 'function') throw new OptionError('cached', 'a function', fn)
  checkNames<CachedOptions<Args, T>>('cached', options, names as Names<CachedOptions<Args, T>>)
  const { ttl, name = fn.name, key, tags = [], store, serializer = json, coalesce } = options
  optionalFunction('cached.key', key)
  if (store !== undefined) checkStore('cached.store', store)
  if (typeof name !== 'string' || name === '')
    throw new OptionError('cached.name', 'given for a function without a name', name)
  if (coalesce !== undefined) oneOf('cached.coalesce', coalesce, ['redis', 'process', false])
  return {
    ...{ name, key, store, serializer, coalesce },
    ttlMs: toMs('cached.ttl', ttl),
    swrMs: spanOf('cached.staleWhileRevalidate', options.staleWhileRevalidate),
    sieMs: spanOf('cached.staleIfError', options.staleIfError),
    ...(typeof tags === 'function' ? { marks: [], tagsOf: tags } : listed(tags)),
  }
}

function spanOf(option: string, duration: Duration | undefined): number {
  return duration === undefined ? 0 : toMs(option, duration)
}

function listed(tags: readonly Id[]): { marks: readonly string[]; tagsOf: undefined } {
  try {
    return { marks: marksOf([tags.map(tagMark)]), tagsOf: undefined }
  } catch (error) {
    if (!(error instanceof MemorywareError) && Array.isArray(tags)) throw error
    throw new OptionError('cached.tags', 'a function, or a list of at most 64 ids', tags)
  }
}
