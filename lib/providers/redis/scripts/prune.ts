import { type Script, script } from '../script.ts'

/**
 * Drops the lines of an owner's index whose session is gone, and only those. A session that is out
 * of reach, because its slot moves, keeps its line.
 */
export const prune: Script<[index: string], string[], void> = script(
  /* lua */ `
    for _, id in ipairs(ARGV) do
      if redis.pcall('EXISTS', KEYS[1] .. ':' .. id) == 0 then redis.call('ZREM', KEYS[1], id) end
    end
  `,
  () => undefined,
)
