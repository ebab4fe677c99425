import { type Script, script } from '../script.ts'
import { sessionDropping, turnDropping } from './fragments.ts'

type Args = [max: number, from: number, most: number]

/** How far a script came. */
export interface Shrunk {
  readonly removed: readonly string[]
  /** Line of the index to go on from; `undefined` at the end. */
  readonly next: number | undefined
}

/**
 * Looks for sessions that are gone, in some hundred lines of an owner's index from one on, and drops
 * these lines; at the end of the index it removes up to `most` of the sessions that are too many, the
 * oldest first. The newest and those that are pinned stay.
 */
export const shrink: Script<[index: string], Args, Shrunk> = script(
  /* lua */ `
    ${turnDropping}
    ${sessionDropping}
    local index = KEYS[1]
    local max, from, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local count, removed = redis.call('ZCARD', index), {}
    if count <= max then return { -1, removed } end
    local lines = redis.call('ZRANGE', index, from, from + 499)
    local dead = 0
    for _, id in ipairs(lines) do
      if redis.pcall('EXISTS', index .. ':' .. id) == 0 then
        dropSession(index, id)
        dead = dead + 1
      end
    end
    count = count - dead
    if from + #lines - dead < count then return { from + #lines - dead, removed } end

    local at, out = 0, 0
    while count > max and at < count - 1 and out < most do
      local id = redis.call('ZRANGE', index, at, at)[1]
      local pinned = redis.pcall('HMGET', index .. ':' .. id, 'pinned')
      if pinned.err then return redis.error_reply(pinned.err) end
      if pinned[1] == '1' then
        at = at + 1
      else
        dropSession(index, id)
        count, out = count - 1, out + 1
        removed[out] = id
      end
    end
    return { out == most and count or -1, removed }
  `,
  (raw) => {
    const [next, removed] = raw as [number, string[]]
    return { removed, next: next < 0 ? undefined : next }
  },
)
