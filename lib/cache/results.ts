import type { SeenPlace } from '../ports/fills.ts'
import type { Serializer } from '../serializer.ts'
import { publish } from '../telemetry.ts'
import { currentAgeMs, type Entry } from './entry.ts'
import type { CacheStore, Shelf, Wanted } from './shelf.ts'

/** A result as it was found. */
export interface Result<T> {
  readonly value: T
  /** Its stored form; nobody may change these bytes. */
  readonly body: Buffer
  /** Since its function ran. */
  readonly ageMs: number
  /** Since its life ended; below 0 while it goes on. */
  readonly staleMs: number
  /** How long after its life it may be used while a new one is made. */
  readonly swrMs: number
  /** How long after its life it may be used where making a new one fails. */
  readonly sieMs: number
}

/** What the store has. */
interface FoundResult<T> {
  readonly result: Result<T> | undefined
  /** What stood there, usable or not. */
  readonly seen: SeenPlace | undefined
}

/** A result to keep. */
export interface NewResult {
  /** Its stored form. */
  readonly body: Buffer
  readonly marks: readonly string[]
  /** When its making began: by the store's clock, and by `performance.now()`. */
  readonly since: number
  readonly began: number
  /** Of the fill it comes from. */
  readonly token: string | undefined
}

/** How long results are kept, and in which form. */
export interface ResultForm {
  readonly serializer: Serializer
  readonly ttlMs: number
  readonly swrMs: number
  readonly sieMs: number
  /** Marks that all of them carry. */
  readonly marks: readonly string[]
}

/** Results of functions, kept as entries without fields. */
export interface Results<T> {
  /** A fresh result that this process has at hand. */
  near(key: string): Result<T> | undefined
  /** What the store has; `away` where it cannot say. Never rejects. */
  find(key: string): Promise<FoundResult<T> | 'away'>
  /** False where its fill is lost, or the store away. Never rejects. */
  keep(key: string, result: NewResult): Promise<boolean>
  /** The stored form of a value; `undefined` where it has none, or is `undefined` itself. */
  encode(value: T): Buffer | undefined
  /** A value of one's own. */
  decode(body: Buffer): T
}

/** Results over a store. */
export function resultsOf<T>(
  store: Pick<CacheStore, 'deadline'>,
  shelf: Shelf,
  form: ResultForm,
): Results<T> {
  const { serializer, ttlMs, swrMs, sieMs } = form

  function wanted(resource: string): Wanted {
    return { resource, headers: {}, deadline: store.deadline(), marks: form.marks }
  }

  // A serializer may give back the very bytes it was handed.
  const decode = (body: Buffer): T => serializer.decode(Buffer.from(body)) as T

  /** A result that cannot be read counts as absent. */
  function read(entry: Entry | undefined): Result<T> | undefined {
    if (entry === undefined) return undefined
    const ageMs = currentAgeMs(entry, Date.now())
    const { body, lifeMs, swrMs, sieMs } = entry
    try {
      return { value: decode(body), body, ageMs, staleMs: ageMs - lifeMs, swrMs, sieMs }
    } catch (error) {
      publish('error', () => ({ during: 'cached read', error }))
      return undefined
    }
  }

  return {
    decode,
    near: (key) => read(shelf.near(wanted(key))),
    async find(key) {
      const looked = await shelf.find(wanted(key))
      return looked.kind === 'away' ? 'away' : { result: read(looked.entry), seen: looked.seen }
    },
    async keep(key, { body, marks, since, began, token }) {
      const entry: Entry = {
        ...{ status: 200, fields: {}, body, pieces: undefined, explicit: true, strict: false },
        ...{ storedAt: Date.now(), ageMs: 0, lifeMs: ttlMs, swrMs, sieMs, marks, since },
      }
      const fill = token === undefined ? undefined : { variant: '', token }
      return shelf.keep(wanted(key), { entry, names: [], graceMs: 0, began, fill })
    },
    encode(value) {
      if (value === undefined) return undefined
      try {
        // A serializer may give the very bytes of the value, which its owner may write into.
        return Buffer.from(serializer.encode(value))
      } catch (error) {
        publish('error', () => ({ during: 'cached write', error }))
        return undefined
      }
    },
  }
}
