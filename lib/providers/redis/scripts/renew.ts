import { type Script, script } from '../script.ts'
import { metaFields } from '../session-record.ts'

type Keys = [session: string, list: string, state: string, index: string]

const names = metaFields.map((name) => `'${name}'`).join(', ')

/**
 * Renews the time that a session is kept; the index lives as long as the longest session in it. Gives
 * the values of `metaFields` in one piece of bytes: a reply for each takes the driver several times as
 * long.
 */
export const renew: Script<Keys, [ttlMs: number], readonly (Buffer | null)[]> = script(
  /* lua */ `
    for j = 1, 3 do redis.call('PEXPIRE', KEYS[j], ARGV[1]) end
    redis.call('PEXPIRE', KEYS[4], ARGV[1], 'GT')
    return cmsgpack.pack(redis.call('HMGET', KEYS[1], ${names}))
  `,
  (raw) => unpacked(raw as Buffer),
  { binary: true },
)

/**
 * The values in a list of MessagePack, as far as Redis writes it: text of any bytes, and `false` for
 * what is not there.
 */
function unpacked(bytes: Buffer): readonly (Buffer | null)[] {
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
