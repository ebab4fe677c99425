import { canonicalJson } from './cache/canonical-json.ts'
import { type Duration, toMs } from './duration.ts'
import { OptionError, UsageError } from './errors.ts'
import { cacheKey } from './keys.ts'
import { checkNames, type Names, optionalFunction } from './options.ts'
import { json, type Serializer } from './serializer.ts'
import { checkStore, defaultStore, type Store } from './store.ts'
import { publish } from './telemetry.ts'

/** How a function's results are kept. */
export interface CachedOptions<Args extends readonly unknown[]> {
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
  /** Where results are kept. @default the default store, asked for at the first call */
  readonly store?: Store
  /** The form of stored results. @default json */
  readonly serializer?: Serializer
}

/** A result, and where it came from. */
export interface Lookup<T> {
  readonly value: T
  /**
   * `hit`: from the store. `miss`: the function ran. `collapsed`: it ran for another caller at the
   * same time. `bypass`: it ran because the store is away.
   */
  readonly status: 'hit' | 'miss' | 'collapsed' | 'bypass'
  /** Seconds since the function ran. */
  readonly age: number
}

/** A function whose results are kept. */
export interface CachedFunction<Args extends readonly unknown[], T> {
  (...args: Args): Promise<T>
  /** The result together with where it came from. */
  withStatus(...args: Args): Promise<Lookup<T>>
  /** Forgets the result of these arguments. */
  delete(...args: Args): Promise<void>
}

const optionNames: Names<CachedOptions<[]>> = {
  ttl: true,
  name: true,
  key: true,
  store: true,
  serializer: true,
}

// Deeper or longer arguments are no key; they would cost more than most functions.
const bounds = { maxDepth: 64, maxLength: 256 * 1024 }

/**
 * Memoises an expensive function: retrieval, a model call. Calls at the same time with the same
 * arguments run it once in this process. A store that is away never fails a call. Results are what
 * the serializer gives back: with JSON, a `Date` returns as text. `undefined` is not kept, and an
 * error never.
 *
 * @throws OptionError for a wrong or unknown option, or a function without a name.
 */
export function cached<Args extends readonly unknown[], T>(
  fn: (...args: Args) => T | Promise<T>,
  options: CachedOptions<Args>,
): CachedFunction<Args, T> {
  const { ttlMs, name, key, serializer } = checkOptions(fn, options)
  const running = new Map<string, Run<T>>()
  const store = () => options.store ?? defaultStore()

  async function withStatus(...args: Args): Promise<Lookup<T>> {
    const at = keyOf(name, key ? key(...args) : args)
    const leader = running.get(at)
    if (leader) return { ...copied(await leader.found, serializer), status: 'collapsed' }
    const run: Run<T> = { found: find(at, args, () => running.get(at) === run) }
    running.set(at, run)
    const release = () => {
      if (running.get(at) === run) running.delete(at)
    }
    try {
      const { kept, ...lookup } = await run.found
      // Until it is written, who asks is answered from here.
      if (kept) void kept.finally(release)
      else release()
      return lookup
    } catch (error) {
      release()
      throw error
    }
  }

  /** `wanted` tells whether the result is still to be kept when it is there. */
  async function find(at: string, args: Args, wanted: () => boolean): Promise<Found<T>> {
    const stored = await read(at)
    if (stored !== 'away' && stored !== undefined) return { ...stored, kept: undefined }
    const value = await fn(...args)
    const kept = wanted() ? keep(at, value) : undefined
    return { value, status: stored === 'away' ? 'bypass' : 'miss', age: 0, kept }
  }

  async function read(at: string): Promise<Lookup<T> | 'away' | undefined> {
    try {
      const { entry } = await store().entries.find(at, '', [])
      return entry && open<T>(at, entry, serializer)
    } catch (error) {
      publish('error', () => ({ during: 'cached read', error }))
      return 'away'
    }
  }

  /** Never rejects: a result that could not be kept is a result all the same. */
  async function keep(at: string, value: T): Promise<void> {
    if (value === undefined) return
    try {
      const head = Buffer.from(JSON.stringify({ version, key: at, at: Date.now() }))
      const entry = { head, body: serializer.encode(value) }
      await store().entries.keep(at, { vary: [], variant: '', entry, ttlMs, maxVariants: 1 })
    } catch (error) {
      publish('error', () => ({ during: 'cached write', error }))
    }
  }

  const call = async (...args: Args): Promise<T> => (await withStatus(...args)).value
  return Object.assign(call, {
    withStatus,
    delete: (...args: Args) => {
      const at = keyOf(name, key ? key(...args) : args)
      // What is under way was asked before: it answers who waits for it, and is not kept.
      running.delete(at)
      return store().entries.drop(at)
    },
  })
}

/** A call of the function, or a look for its result, that others may share. */
interface Run<T> {
  readonly found: Promise<Found<T>>
}

interface Found<T> extends Lookup<T> {
  /** The result is being written. */
  readonly kept: Promise<void> | undefined
}

/** A value of one's own: who changes it changes it for nobody else. */
function copied<T>({ value, status, age }: Found<T>, serializer: Serializer): Lookup<T> {
  if (typeof value !== 'object' || value === null) return { value, status, age }
  return { value: serializer.decode(serializer.encode(value)) as T, status, age }
}

const version = 1

/** Reads an entry; one that is damaged, of another version or of another key counts as absent. */
function open<T>(
  at: string,
  { head, body }: { readonly head: Buffer; readonly body: Buffer },
  serializer: Serializer,
): Lookup<T> | undefined {
  try {
    const known = JSON.parse(head.toString()) as { version: number; key: string; at: number }
    if (known.version !== version || known.key !== at) return undefined
    const age = Math.max(0, Date.now() - known.at) / 1000
    return { value: serializer.decode(body) as T, status: 'hit', age }
  } catch (error) {
    publish('error', () => ({ during: 'cached read', error }))
    return undefined
  }
}

function keyOf(name: string, key: unknown): string {
  const text = canonicalJson(key, bounds)
  if (text === undefined)
    throw new UsageError(
      `The arguments of ${name} have no form in JSON, or too large a one: set \`key\``,
    )
  return cacheKey(['cached', name, text])
}

function checkOptions<Args extends readonly unknown[], T>(
  fn: (...args: Args) => T | Promise<T>,
  options: CachedOptions<Args>,
) {
  if (typeof fn !== 'function') throw new OptionError('cached', 'a function', fn)
  checkNames<CachedOptions<Args>>('cached', options, optionNames as Names<CachedOptions<Args>>)
  const { ttl, name = fn.name, key, store, serializer = json } = options
  optionalFunction('cached.key', key)
  if (store !== undefined) checkStore('cached.store', store)
  if (typeof name !== 'string' || name === '')
    throw new OptionError('cached.name', 'given for a function without a name', name)
  return { ttlMs: toMs('cached.ttl', ttl), name, key, serializer }
}
