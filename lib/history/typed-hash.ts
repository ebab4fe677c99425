import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { RequestError, UsageError } from '../errors.ts'
import { decodeId } from '../keys.ts'
import type { Codec } from './codec.ts'
import { fieldName, type HashPlace, isReserved, nameOf, toField } from './field-form.ts'
import { inTurn } from './in-turn.ts'
import { contended, forgotten } from './refusal.ts'
import type { MemoryRules } from './scope.ts'
import type { SessionLog } from './session-log.ts'

/**
 * Named values, each changed by itself. `Values` types them: `memory.state as TypedHash<AgentState>`.
 * Methods reject with a `StoreError`: 503 while the store is away, 409 where others write as well.
 */
export interface TypedHash<Values extends object = Record<string, unknown>> {
  /** The value, or `undefined`. */
  get<Name extends keyof Values & string>(name: Name): Promise<Values[Name] | undefined>
  /** All values there are. */
  all(): Promise<Partial<Values>>
  /**
   * Sets values, all or none, in one atomic step; those that are `undefined` are deleted.
   *
   * @throws RequestError 400 for a name or a value that cannot be kept; 413 for a value larger than
   * `maxMessageBytes` (a preference: 8 KiB), or more than 1,000 values (100 preferences).
   */
  set(values: Partial<Values>): Promise<void>
  /** Deletes values; absent ones are left out. */
  delete(...names: (keyof Values & string)[]): Promise<void>
  /** Adds to a number, 0 where there is none, and gives the sum. @default by 1 */
  increment(name: keyof Values & string, by?: number): Promise<number>
  /**
   * Sets a value only where it is what was expected, `undefined` for an absent one: false where it is
   * not. Values are compared by what they hold.
   */
  compareAndSet<Name extends keyof Values & string>(
    name: Name,
    expected: Values[Name] | undefined,
    next: Values[Name] | undefined,
  ): Promise<boolean>
  /**
   * Sets a value to what `next` makes of it, and gives that. `next` is called again where somebody
   * else wrote in between, so it should do nothing else.
   */
  update<Name extends keyof Values & string>(
    name: Name,
    next: (value: Values[Name] | undefined) => Values[Name] | undefined,
  ): Promise<Values[Name] | undefined>
}

const tries = 32
const longestPauseMs = 50
const noneExpected: ReadonlyMap<string, Uint8Array | undefined> = new Map()

/** Named values of a session or a user. */
export function typedHash(
  rules: Pick<MemoryRules, 'fields'>,
  codec: Codec,
  log: Pick<SessionLog, 'ask'>,
  place: HashPlace,
): TypedHash {
  const { fields } = rules
  const { kind, keys, ttlMs } = place
  const write = writer(rules, log, place)

  async function bytesOf(name: string): Promise<Uint8Array | undefined> {
    return (await log.ask((call) => fields.read(keys, [name], ttlMs, call))).get(name)
  }

  function decoded(name: string, bytes: Uint8Array | undefined): unknown {
    return bytes && codec.decode(fieldName(kind, name), bytes)
  }

  function encoded(name: string, value: unknown): Uint8Array | undefined {
    return value === undefined ? undefined : toField(codec, kind, name, value, place.maxBytes)
  }

  /** Writes what `next` gives until nobody wrote in between. Writers of this process take turns. */
  function change(name: string, next: (value: unknown) => Next): Promise<Next> {
    return inTurn(fields, `${keys.fields} ${name}`, async () => {
      for (let attempt = 0; attempt < tries; attempt += 1) {
        const bytes = await bytesOf(name)
        const result = next(decoded(name, bytes))
        if (!result.write) return result
        const changes = new Map([[name, encoded(name, result.value)]])
        if (await write(changes, new Map([[name, bytes]]))) return result
        // Other processes met here as well: not all of them come back at the same moment.
        await sleep(Math.random() * Math.min(longestPauseMs, 2 ** attempt))
      }
      throw contended(`write of ${kind}`)
    })
  }

  return {
    get: async (given) => {
      const name = nameOf(given)
      return decoded(name, await bytesOf(name))
    },
    all: async () => {
      const found = await log.ask((call) => fields.read(keys, undefined, ttlMs, call))
      const own = [...found].filter(([name]) => !isReserved(name))
      return Object.fromEntries(own.map(([name, bytes]) => [decodeId(name), decoded(name, bytes)]))
    },
    set: async (values) => {
      const given = Object.entries(values).map(([name, value]) => [nameOf(name), value] as const)
      await write(new Map(given.map(([name, value]) => [name, encoded(name, value)])))
    },
    delete: async (...names) => {
      await write(new Map(names.map((name) => [nameOf(name), undefined])))
    },
    increment: async (name, by = 1) =>
      (await change(nameOf(name), (value) => added(name, value, by))).value as number,
    compareAndSet: async (given, expected, next) => {
      const name = nameOf(given)
      // In the form it would have come back in: a stored object has no fields that are `undefined`.
      const old = decoded(name, encoded(name, expected))
      const { write: done } = await change(name, (value) => ({
        write: isDeepStrictEqual(value, old),
        value: next,
      }))
      return done
    },
    update: async (name, next) =>
      (await change(nameOf(name), (value) => ({ write: true, value: synchronous(next(value)) })))
        .value,
  }
}

type Write = (
  changes: ReadonlyMap<string, Uint8Array | undefined>,
  expected?: ReadonlyMap<string, Uint8Array | undefined>,
) => Promise<boolean>

/** Writes fields; false where one is not as expected. */
function writer(
  { fields }: Pick<MemoryRules, 'fields'>,
  log: Pick<SessionLog, 'ask'>,
  { kind, keys, ttlMs, most }: HashPlace,
): Write {
  return async (changes, expected = noneExpected) => {
    if (changes.size === 0) return true
    const bounds = { ttlMs, max: most, expected }
    const { kind: done } = await log.ask((call) => fields.write(keys, changes, bounds, call))
    if (done === 'forgotten') throw forgotten(`write of ${kind}`)
    if (done === 'full')
      throw new RequestError(413, `More than ${most} values of ${kind} are not kept`)
    return done === 'written'
  }
}

/** What to write, or to leave alone. */
interface Next {
  readonly write: boolean
  readonly value: unknown
}

function added(name: string, value: unknown = 0, by: number): Next {
  if (typeof value !== 'number') throw new UsageError(`${name} is no number: nothing can be added`)
  const sum = value + by
  if (Number.isFinite(sum)) return { write: true, value: sum }
  throw new UsageError(`Only a number can be added to ${name}, got ${String(by)}`)
}

function synchronous<T>(value: T): T {
  if (value instanceof Promise)
    throw new UsageError('update() takes a function that gives its value at once')
  return value
}
