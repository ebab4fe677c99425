import { types } from 'node:util'
import { type Duration, toMs } from './duration.ts'
import { StoreError } from './errors.ts'
import { checkKey } from './keys.ts'
import type { Batch, Command } from './ports/key-value.ts'
import type { Serializer } from './serializer.ts'

/**
 * Collects commands and sends them in one round trip, in order. Other clients' commands may come in
 * between: what must be atomic has a method of its own.
 */
export interface Pipeline<Results extends readonly unknown[] = readonly []> {
  get<T = unknown>(key: string): Pipeline<readonly [...Results, T | undefined]>
  set(
    key: string,
    value: unknown,
    options?: { ttl?: Duration },
  ): Pipeline<readonly [...Results, undefined]>
  delete(...keys: string[]): Pipeline<readonly [...Results, number]>
  exists(...keys: string[]): Pipeline<readonly [...Results, number]>
  expire(key: string, ttl: Duration): Pipeline<readonly [...Results, boolean]>
  ttl(key: string): Pipeline<readonly [...Results, number | undefined]>
  incr(key: string, by?: number): Pipeline<readonly [...Results, number]>
  /**
   * Sends what was collected; one result a command, in order.
   *
   * @throws StoreError of the first command that failed; the others were carried out all the same.
   */
  exec(): Promise<Results>
}

/** A pipeline over a provider's batches. */
export function pipeline(provider: Batch, serializer: Serializer): Pipeline {
  const commands: Command[] = []
  const readers: ((reply: unknown) => unknown)[] = []

  function add(command: Command, read: (reply: unknown) => unknown = same): never {
    commands.push(command)
    readers.push(read)
    return chain as never
  }

  const chain: Pipeline = {
    get: (key) => add({ name: 'get', key: checkKey(key) }, (reply) => decode(serializer, reply)),
    set: (key, value, { ttl } = {}) =>
      add({
        name: 'set',
        key: checkKey(key),
        value: serializer.encode(value),
        ttlMs: ttl === undefined ? undefined : toMs('ttl', ttl),
      }),
    delete: (...keys) => add({ name: 'delete', keys: keys.map((key) => checkKey(key)) }),
    exists: (...keys) => add({ name: 'exists', keys: keys.map((key) => checkKey(key)) }),
    expire: (key, ttl) => add({ name: 'expire', key: checkKey(key), ttlMs: toMs('ttl', ttl) }),
    ttl: (key) => add({ name: 'ttl', key: checkKey(key) }, seconds),
    incr: (key, by = 1) => add({ name: 'incr', key: checkKey(key), by }),
    async exec() {
      const replies = await provider.batch(commands.splice(0))
      const read = readers.splice(0)
      return replies.map((reply, at) => {
        if (reply instanceof Error) throw reply
        return read[at]?.(reply)
      }) as never
    },
  }
  return chain
}

/** Reads stored bytes. @throws StoreError `corrupt` when they are not what the serializer writes. */
export function decode(serializer: Serializer, bytes: unknown): unknown {
  if (bytes === undefined) return undefined
  if (!types.isUint8Array(bytes)) throw new StoreError('get', 'corrupt')
  try {
    return serializer.decode(bytes)
  } catch (cause) {
    throw new StoreError('get', 'corrupt', { cause })
  }
}

/** Milliseconds as a caller reads a time to live. */
export function seconds(reply: unknown): number | undefined {
  return reply === undefined ? undefined : (reply as number) / 1000
}

function same(reply: unknown): unknown {
  return reply
}
