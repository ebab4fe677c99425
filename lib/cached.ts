import { canonicalJson } from './cache/canonical-json.ts'
import { type Call, Making } from './cache/making.ts'
import { marksOf, tagMark } from './cache/marks.ts'
import { defaultNear } from './cache/near.ts'
import { purgeTimes } from './cache/purge-times.ts'
import { resultsOf } from './cache/results.ts'
import { Runs } from './cache/runs.ts'
import { sharingOf } from './cache/sharing.ts'
import { type CacheStore, openShelf, type Shelf } from './cache/shelf.ts'
import { type CachedOptions, type CachedSettings, readCachedOptions } from './cached-options.ts'
import { UsageError } from './errors.ts'
import { cacheKey } from './keys.ts'
import { defaultStore } from './store.ts'
import { publish } from './telemetry.ts'

export type { CachedOptions } from './cached-options.ts'

/** A result, and where it came from. */
export interface Lookup<T> {
  readonly value: T
  /**
   * `hit`: it was kept. `stale`: it was kept for longer than its `ttl`. `miss`: the function ran.
   * `collapsed`: it ran for another caller at the same time. `bypass`: it ran because the store is
   * away.
   */
  readonly status: 'hit' | 'stale' | 'miss' | 'collapsed' | 'bypass'
  /** Seconds since the function ran. */
  readonly age: number
}

/** A function whose results are kept. */
export interface CachedFunction<Args extends readonly unknown[], T> {
  (...args: Args): Promise<T>
  /** The result together with where it came from. */
  withStatus(...args: Args): Promise<Lookup<T>>
  /**
   * Forgets the result of these arguments. What another process is making of them just now may be
   * kept all the same: to be sure, purge by a tag.
   */
  delete(...args: Args): Promise<void>
}

// Deeper or longer arguments are no key; they would cost more than most functions.
const bounds = { maxDepth: 64, maxLength: 256 * 1024 }

/**
 * Memoises an expensive function: retrieval, a model call. Calls at the same time with the same
 * arguments run it once. A store that is away never fails a call. Results are what the serializer
 * gives back: with JSON, a `Date` returns as text. `undefined` is not kept, and an error never.
 *
 * @throws OptionError for a wrong or unknown option, or a function without a name.
 */
export function cached<Args extends readonly unknown[], T>(
  fn: (...args: Args) => T | Promise<T>,
  options: CachedOptions<Args, NoInfer<T>>,
): CachedFunction<Args, T> {
  const settings = readCachedOptions<Args, T>(fn, options)
  const { name, key } = settings
  const bench = benchOf(settings)
  const keyOf = (args: Args) => resultKey(name, key ? key(...args) : args)

  async function withStatus(...args: Args): Promise<Lookup<T>> {
    const call: Call<T> = {
      key: keyOf(args),
      run: async () => fn(...args),
      marks: (value) => marksIn(settings, value, args),
    }
    const { value, status, ageMs } = await bench().runs.get(call)
    return { value, status, age: ageMs / 1000 }
  }

  return Object.assign(async (...args: Args): Promise<T> => (await withStatus(...args)).value, {
    withStatus,
    delete: (...args: Args) => bench().forget(keyOf(args)),
  })
}

/** What a function works with on one store. */
interface Bench<T> {
  readonly runs: Runs<T>
  forget(key: string): Promise<void>
}

const mostForgotten = 10_000

/** The bench of the store that is in use now: the default one may be another after it was closed. */
function benchOf<Args extends readonly unknown[], T>(
  settings: CachedSettings<Args, T>,
): () => Bench<T> {
  let last: { readonly store: CacheStore; readonly bench: Bench<T> } | undefined
  return () => {
    const store: CacheStore = settings.store ?? defaultStore()
    if (last?.store !== store) last = { store, bench: openBench(store, settings) }
    return last.bench
  }
}

function openBench<Args extends readonly unknown[], T>(
  store: CacheStore,
  settings: CachedSettings<Args, T>,
): Bench<T> {
  const { marks, tagsOf } = settings
  const { coalesce = store.provider === 'embedded' ? 'process' : 'redis' } = settings
  const tagged = marks.length > 0 || tagsOf !== undefined
  const shelf = shelfOf(store)
  const results = resultsOf<T>(store, shelf, settings)
  const dropped = purgeTimes({ most: mostForgotten, keptMs: 0 })
  const sharing = coalesce === 'redis' ? sharingOf(store) : undefined
  const forgotten = (key: string, began: number) => dropped.isPast([key], began)
  const making = new Making<T>({ store, results, sharing, tagged, forgotten })
  const runs = new Runs<T>({ results, making, tagged, coalesce: coalesce !== false })
  return {
    runs,
    async forget(key) {
      // What is under way was asked before: it answers who waits for it, and is not kept.
      runs.forget(key)
      dropped.note([key], performance.now())
      await shelf.drop(key)
    },
  }
}

// All functions on one store share it.
const shelves = new WeakMap<CacheStore, Shelf>()

function shelfOf(store: CacheStore): Shelf {
  const known = shelves.get(store)
  if (known) return known
  const shelf = openShelf(store, store.provider === 'embedded' ? undefined : defaultNear)
  shelves.set(store, shelf)
  return shelf
}

/** What purges a result; `undefined` where its tags cannot be told. */
function marksIn<Args extends readonly unknown[], T>(
  { marks, tagsOf }: CachedSettings<Args, T>,
  value: T,
  args: Args,
): readonly string[] | undefined {
  if (tagsOf === undefined) return marks
  try {
    return marksOf([tagsOf(value, ...args).map(tagMark)])
  } catch (error) {
    publish('error', () => ({ during: 'cached tags', error }))
    return undefined
  }
}

function resultKey(name: string, key: unknown): string {
  const text = canonicalJson(key, bounds)
  if (text === undefined)
    throw new UsageError(
      `The arguments of ${name} have no form in JSON, or too large a one: set \`key\``,
    )
  return cacheKey(['cached', name, text])
}
