import { type Script, script } from '../script.ts'

type Keys = [session: string, list: string, state: string, index: string]

/** Renews the time that a session is kept; the index lives as long as the longest session in it. */
export const renew: Script<Keys, [ttlMs: number], void> = script(
  /* lua */ `
    for j = 1, 3 do redis.call('PEXPIRE', KEYS[j], ARGV[1]) end
    redis.call('PEXPIRE', KEYS[4], ARGV[1], 'GT')
  `,
  () => undefined,
)
