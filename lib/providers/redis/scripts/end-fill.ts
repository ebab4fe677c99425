import type { FillEnd } from '../../../ports/fills.ts'
import { type Script, script } from '../script.ts'
import { holder } from './fill-steps.ts'

type Args = [token: string, how: FillEnd, keepMs: number, aloneMs: number]

/**
 * Ends a fill. How it ended stands behind its pieces, for those who wait; where nobody does, nothing
 * is kept but that an answer could not be shared.
 */
export const endFill: Script<[fill: string, pieces: string], Args, void> = script(
  /* lua */ `
    local key, pieces, how, keep, alone = KEYS[1], KEYS[2], ARGV[2], ARGV[3], tonumber(ARGV[4])
    ${holder}
    local fill = holder(key)
    if not holds(fill, ARGV[1]) then return end
    redis.call('DEL', key)
    if how == 'refused' and alone > 0 then
      redis.call('HSET', key, 'token', ARGV[1], 'how', how)
      redis.call('PEXPIRE', key, ARGV[4])
    end
    if not fill.watched and not fill.bytes then return end
    -- The last id that a piece can have, and one more.
    local done = redis.pcall('XADD', pieces, '${Number.MAX_SAFE_INTEGER}-1', 'e', how)
    redis.pcall('PUBLISH', pieces, 'e' .. how)
    if type(done) == 'table' then return done end
    redis.call('PEXPIRE', pieces, keep)
  `,
  () => undefined,
)
