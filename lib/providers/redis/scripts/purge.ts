import { type Script, script } from '../script.ts'
import { micros } from './fill-steps.ts'

type Args = [soft: number, keepMs: number]

/**
 * Writes when marks were purged: `<hard> <soft>`. What somebody else has left there is replaced, and
 * counts as a purge of both kinds.
 */
export const purge: Script<string[], Args, void> = script(
  /* lua */ `
    ${micros}
    local most = ${Number.MAX_SAFE_INTEGER}
    -- A clock that was set back takes no purge back.
    local function latest(old) return tonumber(old) > tonumber(now) and old or now end
    for _, key in ipairs(KEYS) do
      local old = redis.pcall('GET', key)
      local hard, soft = '0', '0'
      if old then
        hard, soft = string.match(type(old) == 'string' and old or '', '^(%d+) (%d+)$')
      end
      if not hard or tonumber(hard) > most or tonumber(soft) > most then
        hard, soft = now, now
      end
      if ARGV[1] == '1' then soft = latest(soft) else hard = latest(hard) end
      redis.call('SET', key, hard .. ' ' .. soft, 'PX', ARGV[2])
    end
  `,
  () => undefined,
)
