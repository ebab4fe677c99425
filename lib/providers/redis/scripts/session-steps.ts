/**
 * Steps in Lua that scripts on a session share, in the order in which they stand in one. Keys: session,
 * list, index, state, tombstone. Arguments: ttl, max, keep, seal, id, title; a `ttl` of 0 is none.
 *
 * They are steps and not functions, as far as they can be: whatever functions a script defines, Lua makes
 * anew on each run, which took a fifth of the time.
 */

import { clock } from './turn-steps.ts'

/** What is read in the same look: the mark of a message, and more fields, from `meta[10]` on. */
interface Also {
  readonly mid?: string
  readonly fields: readonly string[]
}

const fields = ['rev', 'seq', 'len', 'tokens', 'seal', 'turns', 'watched', 'created', 'title']

/**
 * Reads the session, with what is known of the messages among the arguments from `first` on; ends the
 * script where its owner is being forgotten.
 */
export function open(first: number, also?: Also): string {
  const { mid = '', fields: more = [] } = also ?? {}
  const names = [...fields, ...more].map((name) => `'${name}'`)
  return /* lua */ `
    local session, list, index, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
    local ttl, max, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local seal, id, title = ARGV[4], ARGV[5], ARGV[6]
    if redis.call('EXISTS', KEYS[5]) == 1 then return { 'forgotten' } end
    ${clock}
    -- Redis and Lua write a number as they would a fraction, which takes longer. Where %d has 32 bits,
    -- neither times nor tokens have room in it.
    local format, match = string.format, string.match

    -- Marks of messages that were read together with the rest: all others are read one by one.
    local known, mids = {}, { ${mid} }
    if #ARGV < ${first} + 32 then
      for at = ${first}, #ARGV do mids[#mids + 1] = match(ARGV[at], '^[^|]*') end
    end
    local fields = { ${names.join(', ')} }
    for j, mid in ipairs(mids) do fields[${names.length} + j] = 'i:' .. mid end
    local meta = redis.call('HMGET', session, unpack(fields))
    for j, mid in ipairs(mids) do known[mid] = meta[${names.length} + j] end

    local rev, seq = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0
    local len, tokens = tonumber(meta[3]) or 0, tonumber(meta[4]) or 0
    if meta[5] and meta[5] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local created = meta[1] and 0 or 1

    -- What is to be kept of the session, until it is written: fields and values in turn.
    local sets = {}
`
}

/** Has a field written with the rest. */
export function set(field: string, value: string): string {
  return `sets[#sets + 1], sets[#sets + 2] = ${field}, ${value}`
}

/**
 * Looks for the mark of a message: its position `at`, or `at:first:count` with that of the answer. Tells
 * it as `mark`, both only of a message that there is.
 */
export function marked(mid: string): string {
  return /* lua */ `
    local mark = known[${mid}]
    if mark == nil then mark = redis.call('HMGET', session, 'i:' .. ${mid})[1] end
    local at = mark and tonumber(match(mark, '^%d+'))
    if not at or at > seq then at, mark = nil, nil end
`
}

/** `marked(mid)` as a function, for who asks several times. */
export const marking: string = /* lua */ `
    local function marked(mid)
      ${marked('mid')}
      return at, mark
    end
`

/** Keeps what was set meanwhile. */
export const write = /* lua */ `
    if #sets > 0 then redis.call('HSET', session, unpack(sets)) end
    sets = {}
`

/** Puts right what a script or an eviction has left half done. */
export const mend = /* lua */ `
    -- A script that meets a command which the user may not run stops half way: what is beyond the
    -- known length and position was never acknowledged.
    local there = redis.call('LLEN', list)
    if len > 0 and there > len then
      redis.call('LTRIM', list, 0, len - 1)
    elseif there ~= len then
      -- One of the two keys was evicted or deleted alone: what is left is of no use.
      redis.call('DEL', session, list)
      len, tokens, known = 0, 0, {}
      for j = 5, 15 do meta[j] = false end
    end
`

/**
 * Appends the messages among the arguments from `first` on, each as `id|role|tokens|payload`; those are
 * left out whose id is there. Tells how many were `added` and how many were `duplicates`.
 */
export function store(first: number): string {
  return /* lua */ `
    local new, acknowledged, system = {}, seq, nil
    -- In pieces: unpack fails at some thousands of values.
    for from = ${first}, #ARGV, 1024 do
      if from > ${first} then ${write} end
      local lines = {}
      for at = from, math.min(from + 1023, #ARGV) do
        local mid, role, counted = match(ARGV[at], '^([^|]*)|(%a)|(%d+)|')
        local mark = not new[mid] and known[mid]
        if mark == nil then mark = redis.call('HMGET', session, 'i:' .. mid)[1] end
        -- With a mark that is damaged it ends here: what it stands for may be there.
        local isThere = mark and tonumber(match(mark, '^%d+')) <= acknowledged
        if not new[mid] and not isThere then
          new[mid] = true
          seq = seq + 1
          local place = format('%d', seq)
          ${set("'i:' .. mid", 'place')}
          tokens = tokens + tonumber(counted)
          local line = place .. '|' .. ARGV[at]
          if role == 's' or role == 'd' then system = line end
          lines[#lines + 1] = line
        end
      end
      if #lines > 0 then len = redis.call('RPUSH', list, unpack(lines)) end
    end
    local added = seq - acknowledged
    local duplicates = #ARGV - ${first} + 1 - added
`
}

/**
 * Gives the session's keys their time to live. The index lives as long as the longest session in it, and
 * for good where one does; `isNew` tells whether this session is new in it.
 */
export function renew(isNew = 'false'): string {
  return /* lua */ `
    if ttl > 0 then
      local time = ARGV[1]
      redis.call('PEXPIRE', session, time)
      redis.call('PEXPIRE', list, time)
      redis.call('PEXPIRE', state, time)
      local longer = redis.call('PEXPIRE', index, time, 'GT')
      if longer == 0 and ${isNew} and #redis.call('ZRANGE', index, '0', '1') == 1 then
        redis.call('PEXPIRE', index, time)
      end
    else
      for j = 1, 4 do redis.call('PERSIST', KEYS[j]) end
    end
`
}

/** Keeps what is known of the session; tells how many `fresh` lines the index has, and the time. */
export const save: string = /* lua */ `
    local stamp, fresh = format('%.0f', now), 0
    if added > 0 then rev = rev + 1 end
    local revs, seqs, lens = format('%d', rev), format('%d', seq), format('%d', len)
    local sums = format('%.0f', tokens)
    if added > 0 then
      if not meta[5] then ${set("'seal'", 'seal')} end
      if not meta[8] then ${set("'created'", 'stamp')} end
      if title ~= '' and not meta[9] then ${set("'title'", 'title')} end
      if system then ${set("'system'", 'system')} end
      redis.call('HSET', session, 'rev', revs, 'seq', seqs, 'len', lens, 'tokens', sums,
        'updated', stamp, unpack(sets))
      fresh = redis.call('ZADD', index, stamp, id)
    else
      ${write}
    end
    ${renew('fresh > 0')}
`

/**
 * Where the index has a new line, looks at two of the oldest: it shrinks faster than it grows. While a
 * slot moves, a key that is not declared may be out of reach: that must not end the script.
 */
export const prune = /* lua */ `
    if fresh > 0 then
      for _, old in ipairs(redis.call('ZRANGE', index, 0, 1)) do
        if redis.pcall('EXISTS', index .. ':' .. old) == 0 then redis.call('ZREM', index, old) end
      end
    end
`
