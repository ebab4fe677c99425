import { type Script, script } from '../script.ts'
import { turnDropping } from './fragments.ts'

type Keys = [session: string, list: string, index: string, state: string]

/** Removes a session with all that hangs on it, and its line in the owner's index. */
export const remove: Script<Keys, [id: string], boolean> = script(
  /* lua */ `
    ${turnDropping}
    local session, list, index, state = unpack(KEYS)
    -- Whatever stands in its place goes as well: an error has no first element.
    local turns = redis.pcall('HMGET', session, 'turns', 'ended')
    local there = redis.call('EXISTS', session)
    redis.call('UNLINK', session, list, state)
    redis.call('ZREM', index, ARGV[1])
    dropTurns(session, turns[1], turns[2])
    return there
  `,
  (raw) => raw === 1,
)
