import type { Call } from '../deadline.ts'

/** Single values, as bytes. Times are milliseconds. */
export interface KeyValue {
  /** The bytes, or `undefined` when the key is absent or has expired. */
  get(key: string, call?: Call): Promise<Buffer | undefined>
  /** Replaces value and time to live; `undefined` keeps the value until it is deleted. */
  set(key: string, value: Uint8Array, ttlMs: number | undefined, call?: Call): Promise<void>
  /** How many of the keys were there. */
  delete(keys: readonly string[], call?: Call): Promise<number>
  /** How many of the keys are there; a key named twice counts twice. */
  exists(keys: readonly string[], call?: Call): Promise<number>
  /** One element a key, in their order. */
  mget(keys: readonly string[], call?: Call): Promise<(Buffer | undefined)[]>
  /** Sets several in one round trip, each for itself: others may read between two of them. */
  mset(
    values: ReadonlyMap<string, Uint8Array>,
    ttlMs: number | undefined,
    call?: Call,
  ): Promise<void>
}

/** Times to live of keys of any kind. */
export interface Expiry {
  /** False when the key is absent. */
  expire(key: string, ttlMs: number, call?: Call): Promise<boolean>
  /** Milliseconds left; `Infinity` for a key that does not expire, `undefined` for an absent one. */
  ttl(key: string, call?: Call): Promise<number | undefined>
}

/** Whole numbers, kept as decimal text so that `get` of a JSON store reads them. */
export interface Counter {
  /** Adds in one atomic step, from 0; gives the sum. A time to live stays as it is. */
  incr(key: string, by: number, call?: Call): Promise<number>
}

/** Keys by pattern: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before what stands for itself. */
export interface Keyspace {
  /** Each matching key once, in no order. */
  keys(pattern: string): Promise<string[]>
  /** How many keys were removed. */
  deletePattern(pattern: string): Promise<number>
}

/** One step of a batch. */
export type Command =
  | { readonly name: 'get'; readonly key: string }
  | {
      readonly name: 'set'
      readonly key: string
      readonly value: Uint8Array
      readonly ttlMs: number | undefined
    }
  | { readonly name: 'delete'; readonly keys: readonly string[] }
  | { readonly name: 'exists'; readonly keys: readonly string[] }
  | { readonly name: 'expire'; readonly key: string; readonly ttlMs: number }
  | { readonly name: 'ttl'; readonly key: string }
  | { readonly name: 'incr'; readonly key: string; readonly by: number }

/** Several commands in one round trip, in order, not atomic. */
export interface Batch {
  /** One result a command, of the type that command has alone; an error stands in its place. */
  batch(commands: readonly Command[], call?: Call): Promise<readonly unknown[]>
}
