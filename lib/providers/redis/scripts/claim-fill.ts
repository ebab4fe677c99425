import type { Claimed } from '../../../ports/fills.ts'
import { type Script, script } from '../script.ts'
import { holder, micros } from './fill-steps.ts'

/** Keys of the entry that whoever claims has looked for. */
export type SeenKeys = [] | [resource: string, variant: string]

/** What it has seen there; no head: no entry. */
export type SeenArgs = [] | [vary: string, head: Buffer]

type Keys = [fill: string, ...seen: SeenKeys]
type Args = [token: string, runner: string, leaseMs: number, ...seen: SeenArgs]

/**
 * Takes a fill where nobody has it; else whoever has it is told that somebody waits. Nothing is done
 * where another entry stands there than was seen.
 */
export const claimFill: Script<Keys, Args, Claimed> = script(
  /* lua */ `
    local key, token, runner, lease = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
    ${micros}
    ${holder}
    local fill = holder(key)
    if fill.token and redis.call('PTTL', key) < 0 then
      -- A script that was stopped half way has left it without an end.
      redis.call('PEXPIRE', key, lease)
    end
    -- What cannot be read is no entry: an error has no members.
    local function kept(resource, variant, names, seen)
      local found = redis.pcall('HMGET', resource, 'vary', 'head')
      local vary, head = found[1] or '', found[2]
      if vary ~= names then return vary ~= '' or head end
      if variant ~= resource then head = redis.pcall('HMGET', variant, 'head')[1] end
      return head and head ~= seen
    end
    if KEYS[2] and fill.token ~= token and kept(KEYS[2], KEYS[3], ARGV[4], ARGV[5]) then
      return { 'kept', '', now }
    end
    if fill.how == 'refused' then return { 'alone', '', now } end
    if fill.token then
      if fill.how or not string.match(fill.since or '', '^%d+$') then
        return redis.error_reply('WRONGTYPE what is no fill stands in its place')
      end
      if fill.token == token then
        -- The first reply was lost.
        redis.call('PEXPIRE', key, lease)
        return { 'leading', '', fill.since }
      end
      if not fill.watched then
        redis.call('HSET', key, 'watched', 1)
        -- Whoever may not publish is heard at the next renewal.
        redis.pcall('PUBLISH', fill.runner or '', fill.token)
      end
      return { 'held', fill.token, fill.since }
    end
    redis.call('DEL', key)
    redis.call('HSET', key, 'token', token, 'runner', runner, 'since', now)
    redis.call('PEXPIRE', key, lease)
    return { 'leading', '', now }
  `,
  (raw) => {
    const [kind, token, at] = raw as [Claimed['kind'], string, string]
    const since = Number(at)
    return kind === 'held' ? { kind, token, since } : { kind, since }
  },
)
