import { type Script, script } from '../script.ts'

/** Removes a session and its line in the owner's index. */
export const remove: Script<[session: string, list: string, index: string], [id: string], boolean> =
  script(
    /* lua */ `
      local there = redis.call('EXISTS', KEYS[1])
      redis.call('UNLINK', KEYS[1], KEYS[2])
      redis.call('ZREM', KEYS[3], ARGV[1])
      return there
    `,
    (raw) => raw === 1,
  )
