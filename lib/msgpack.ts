import { Packr, Unpackr } from 'msgpackr'
import { MemorywareError } from './errors.ts'
import { checkForm, deepest, mostElements } from './msgpack-form.ts'
import { json, type Serializer } from './serializer.ts'

/**
 * MessagePack, for `createStore({ serializer: msgpack })`: smaller than JSON, and `Date` and `Buffer`
 * come back as what they were. Everything else means what it means to `json`: `toJSON` is asked,
 * fields without a form are left out.
 *
 * Whole numbers are decimal text, so that `incr` counts on from them. What the `json` serializer
 * wrote is read too: text begins below 0x80, where nothing written here in MessagePack begins.
 */
export const msgpack: Serializer = {
  name: 'msgpack',
  encode(value) {
    const form = plain('', value, 0)
    if (form === undefined) throw formless(value)
    if (Number.isSafeInteger(form)) return json.encode(form)
    // A copy: what msgpackr gives is a window on a buffer that other values share.
    return readable(Buffer.from(packr.pack(form)))
  },
  decode(bytes) {
    if ((bytes[0] ?? 0) < 0x80) return json.decode(bytes)
    // A view of our own: msgpackr leaves a property on what it reads.
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { hasProto } = checkForm(view)
    return hasProto ? objectOf(mapUnpackr.unpack(view)) : unpackr.unpack(view)
  },
}

/** What could not be read again is not written. Each element takes a byte at least. */
function readable(bytes: Buffer): Buffer {
  if (bytes.length <= mostElements) return bytes
  try {
    checkForm(bytes)
  } catch (cause) {
    throw new MemorywareError('ERR_USAGE', `A value may have ${mostElements} elements`, { cause })
  }
  return bytes
}

const options = {
  useRecords: false,
  copyBuffers: true,
  int64AsType: 'number',
  structuredClone: false,
} as const
const packr = new Packr({ ...options, variableMapSize: true })
const unpackr = new Unpackr({ ...options, mapsAsObjects: true })
// As objects, msgpackr would read `__proto__` as another name.
const mapUnpackr = new Unpackr({ ...options, mapsAsObjects: false })

/** What JSON makes of a value, but for dates and bytes; `undefined` for what has no form. */
function plain(key: string, given: unknown, depth: number): unknown {
  const kind = typeof given
  if (kind === 'string' || kind === 'boolean' || given === null) return given
  if (kind === 'number') return Number.isFinite(given) ? given : null
  if (kind === 'object' || kind === 'bigint') return structure(key, given as object, depth)
  return undefined
}

function structure(key: string, given: object | bigint, depth: number): unknown {
  if (given instanceof Date) return Number.isNaN(given.getTime()) ? null : given
  if (given instanceof Uint8Array) return Buffer.from(given.buffer, given.byteOffset, given.length)
  const { toJSON } = given as { toJSON?: unknown }
  if (typeof toJSON === 'function') {
    const own: unknown = toJSON.call(given, key)
    if (own !== given) return plain(key, own, depth)
  }
  if (typeof given === 'bigint') throw formless(given)
  if (given instanceof Number || given instanceof String || given instanceof Boolean)
    return plain(key, given.valueOf(), depth)
  if (depth === deepest)
    throw new MemorywareError('ERR_USAGE', `A value may be ${deepest} levels deep, without cycles`)
  return Array.isArray(given) ? items(given, depth + 1) : fields(given, depth + 1)
}

function items(given: readonly unknown[], depth: number): unknown {
  return Array.from(given, (each, at) => plain(String(at), each, depth) ?? null)
}

function fields(given: object, depth: number): unknown {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(given)) {
    const value = plain(key, (given as Record<string, unknown>)[key], depth)
    if (value === undefined) continue
    // Assigned, it would be no field but the copy's prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true })
    else copy[key] = value
  }
  return copy
}

function objectOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(objectOf)
  if (!(value instanceof Map)) return value
  return Object.fromEntries([...value].map(([key, each]) => [key, objectOf(each)]))
}

function formless(value: unknown): MemorywareError {
  return new MemorywareError('ERR_USAGE', `A ${typeof value} has no form in MessagePack`)
}
