import { type Script, script } from '../script.ts'
import { sessionDropping, turnDropping } from './fragments.ts'

type Keys = [index: string, gone: string, preferences: string]

/** What a script removed, and how many sessions are left to remove. */
export interface Forgetting {
  readonly removed: number
  readonly left: number
}

/** Sets an owner's tombstone, then removes preferences and some of the sessions. */
export const forget: Script<Keys, [tombMs: number, most: number], Forgetting> = script(
  /* lua */ `
    ${turnDropping}
    ${sessionDropping}
    local index, gone, preferences = unpack(KEYS)
    redis.call('SET', gone, '1', 'PX', tonumber(ARGV[1]))
    redis.call('UNLINK', preferences)
    local removed = 0
    for _, id in ipairs(redis.call('ZRANGE', index, 0, tonumber(ARGV[2]) - 1)) do
      local there = redis.pcall('EXISTS', index .. ':' .. id)
      local failed = dropSession(index, id)
      if failed then return failed end
      if there == 1 then removed = removed + 1 end
    end
    return { removed, redis.call('ZCARD', index) }
  `,
  (raw) => {
    const [removed = 0, left = 0] = raw as number[]
    return { removed, left }
  },
)
