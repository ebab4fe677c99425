import { metaFields } from '../session-record.ts'

/**
 * Lua: what is known of a session, by its key: the values of `metaFields`, or of the first of them, in one
 * piece of bytes. A reply for each takes the driver several times as long.
 */
export function packedMeta(session: string, fields: readonly string[] = metaFields): string {
  const names = fields.map((name) => `'${name}'`).join(', ')
  return `cmsgpack.pack(redis.call('HMGET', ${session}, ${names}))`
}

/**
 * The values in a list of MessagePack, as far as Redis writes it: text of any bytes, and `false` for
 * what is not there.
 */
export function unpacked(bytes: Buffer): readonly (Buffer | null)[] {
  const values: (Buffer | null)[] = []
  let at = 1
  for (let left = (bytes[0] ?? 0) & 15; left > 0; left -= 1) {
    const form = bytes[at] ?? 0
    at += 1
    if (form === absent) {
      values.push(null)
      continue
    }
    const [length, width] = lengthAt(bytes, form, at)
    at += width + length
    values.push(bytes.subarray(at - length, at))
  }
  return values
}

const absent = 0xc2

/** The length of the text which has this form, and how many bytes tell it. */
function lengthAt(
  bytes: Buffer,
  form: number,
  at: number,
): readonly [length: number, width: number] {
  if (form >> 5 === 0b101) return [form & 31, 0]
  if (form === 0xd9) return [bytes.readUInt8(at), 1]
  if (form === 0xda) return [bytes.readUInt16BE(at), 2]
  if (form === 0xdb) return [bytes.readUInt32BE(at), 4]
  throw new TypeError('A script gave something else than text')
}
