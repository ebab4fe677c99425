import { globMatcher } from '../../glob.ts'
import type {
  Batch,
  Command,
  Counter,
  Expiry,
  KeyValue,
  Keyspace as Patterns,
} from '../../ports/key-value.ts'
import type { Keyspace } from './keyspace.ts'
import { type Packed, pack, unpack } from './packed.ts'
import { failure, type Share, sizeOf } from './shelf.ts'

type KeyValuePorts = KeyValue & Expiry & Counter & Patterns & Batch

interface ValueCell {
  readonly kind: 'value'
  readonly bytes: number
  readonly packed: Packed
}

/** Values, times to live, counters and patterns in this process. */
export function embeddedKeyValue(keyspace: Keyspace, share: Share): KeyValuePorts {
  const { now } = keyspace
  const values = keyspace.shelf<ValueCell>(share)

  function put(operation: string, key: string, packed: Packed, expiresAt: number): void {
    values.put(operation, key, { kind: 'value', bytes: packed.length, packed }, expiresAt)
  }

  const ports: KeyValuePorts = {
    async get(key) {
      const held = values.get('get', key, 'value')
      return held && unpack(held.cell.packed)
    },
    async set(key, value, ttlMs = Number.POSITIVE_INFINITY) {
      if (!(ttlMs > 0)) throw failure('set', 'refused')
      if (values.peek(key) === undefined) {
        // As with SET, a value takes the place of any kind; but not before there is room for it.
        if (!values.fits(sizeOf(key, value.byteLength))) throw failure('set', 'full')
        keyspace.remove(key)
      }
      put('set', key, pack(value), now() + ttlMs)
    },
    async delete(keys) {
      // Found before any is removed: some go together.
      const there = new Set(keys.filter((key) => keyspace.find(key) !== undefined))
      for (const key of there) keyspace.remove(key)
      return there.size
    },
    exists: async (keys) => keys.filter((key) => keyspace.find(key) !== undefined).length,
    // As with MGET, a key of another kind reads as absent.
    mget: async (keys) =>
      keys.map((key) => {
        const held = values.peek(key) && values.get('mget', key, 'value')
        return held && unpack(held.cell.packed)
      }),
    async mset(values, ttlMs) {
      for (const [key, value] of values) await ports.set(key, value, ttlMs)
    },
    async expire(key, ttlMs) {
      const held = keyspace.find(key)
      if (held === undefined) return false
      held.expiresAt = now() + ttlMs
      return true
    },
    async ttl(key) {
      const held = keyspace.find(key)
      // Budgets go by a finer clock.
      return held && Math.floor(held.expiresAt - now())
    },
    async incr(key, by) {
      const held = values.get('incr', key, 'value')
      const sum = add(held?.cell.packed ?? '0', by)
      if (sum === undefined) throw failure('incr', 'refused')
      put('incr', key, pack(Buffer.from(String(sum))), held?.expiresAt ?? Number.POSITIVE_INFINITY)
      return sum
    },
    keys: async (pattern) => keyspace.keys().filter(globMatcher(pattern)),
    deletePattern: async (pattern) => ports.delete(await ports.keys(pattern)),
    async batch(commands) {
      const results: unknown[] = []
      // An error becomes the command's result: the commands after it still run.
      for (const command of commands) results.push(await run(ports, command).catch(same))
      return results
    },
  }
  return ports
}

/** The sum, unless the text is no whole number as Redis writes them or a number cannot hold the sum. */
function add(text: string, by: number): number | undefined {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text) || !Number.isSafeInteger(by)) return undefined
  const sum = Number(BigInt(text) + BigInt(by))
  return Number.isSafeInteger(sum) ? sum : undefined
}

function run(ports: KeyValuePorts, command: Command): Promise<unknown> {
  switch (command.name) {
    case 'get':
      return ports.get(command.key)
    case 'set':
      return ports.set(command.key, command.value, command.ttlMs)
    case 'delete':
      return ports.delete(command.keys)
    case 'exists':
      return ports.exists(command.keys)
    case 'expire':
      return ports.expire(command.key, command.ttlMs)
    case 'ttl':
      return ports.ttl(command.key)
    case 'incr':
      return ports.incr(command.key, command.by)
  }
}

function same(error: unknown): unknown {
  return error
}
