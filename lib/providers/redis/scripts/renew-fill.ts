import { type Script, script } from '../script.ts'
import { holder } from './fill-steps.ts'

type Renewed = 'held' | 'watched' | 'lost'

/** Renews the lease of a fill, and of its pieces. */
export const renewFill: Script<
  [fill: string, pieces: string],
  [token: string, leaseMs: number],
  Renewed
> = script(
  /* lua */ `
    ${holder}
    local fill = holder(KEYS[1])
    if not holds(fill, ARGV[1]) then return 'lost' end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    if fill.bytes then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
    return fill.watched and 'watched' or 'held'
  `,
  (raw) => raw as Renewed,
)
