import { type Script, script } from '../script.ts'
import { packedMeta, unpacked } from './packed-meta.ts'

type Keys = [session: string, list: string, state: string, index: string]

/**
 * Renews the time that a session is kept; the index lives as long as the longest session in it. Gives
 * the values of `metaFields`.
 */
export const renew: Script<Keys, [ttlMs: number], readonly (Buffer | null)[]> = script(
  /* lua */ `
    for j = 1, 3 do redis.call('PEXPIRE', KEYS[j], ARGV[1]) end
    redis.call('PEXPIRE', KEYS[4], ARGV[1], 'GT')
    return ${packedMeta('KEYS[1]')}
  `,
  (raw) => unpacked(raw as Buffer),
  { binary: true },
)
