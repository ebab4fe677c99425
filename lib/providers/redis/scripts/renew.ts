import { type Script, script } from '../script.ts'
import { metaFields } from '../session-record.ts'

type Keys = [session: string, list: string, state: string, index: string]

const names = metaFields.map((name) => `'${name}'`).join(', ')

/**
 * Renews the time that a session is kept; the index lives as long as the longest session in it. Gives
 * the values of `metaFields`, in one piece of bytes: as many replies take the driver longer than all
 * the rest of a read.
 */
export const renew: Script<Keys, [ttlMs: number], readonly (Buffer | null)[]> = script(
  /* lua */ `
    for j = 1, 3 do redis.call('PEXPIRE', KEYS[j], ARGV[1]) end
    redis.call('PEXPIRE', KEYS[4], ARGV[1], 'GT')
    local values, lengths = redis.call('HMGET', KEYS[1], ${names}), {}
    for j, value in ipairs(values) do
      lengths[j] = value and #value or -1
      values[j] = value or ''
    end
    return table.concat(lengths, ' ') .. '\\n' .. table.concat(values)
  `,
  (raw) => unpacked(raw as Buffer),
  { binary: true },
)

/** The values of a piece that begins with their lengths, -1 for one that is not there. */
function unpacked(bytes: Buffer): readonly (Buffer | null)[] {
  const line = bytes.indexOf('\n')
  let at = line + 1
  return bytes
    .toString('latin1', 0, line)
    .split(' ')
    .map((length) => {
      const size = Number(length)
      if (size < 0) return null
      at += size
      return bytes.subarray(at - size, at)
    })
}
