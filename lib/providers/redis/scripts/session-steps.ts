import { clock } from './fragments.ts'

/**
 * Steps in Lua that scripts on a session share, in the order in which they stand in one. Keys: session,
 * list, index, state, tombstone. Arguments: ttl, max, keep, seal, id, title; a `ttl` of 0 is none.
 */

/**
 * Reads the session, with what is known of the messages among the arguments from `first` on and of
 * `mid`; ends the script where its owner is being forgotten.
 */
export function open(first: number, mid = 'nil'): string {
  return /* lua */ `
    ${clock}
    local session, list, index, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
    local ttl, max, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local seal, id, title = ARGV[4], ARGV[5], ARGV[6]
    if redis.call('EXISTS', KEYS[5]) == 1 then return { 'forgotten' } end
    local now = clock()

    local function idOf(message) return string.match(message, '^[^|]*') end

    -- Marks of messages that were read together with the rest: all others are read one by one.
    local known, mids = {}, { ${mid} }
    if #ARGV < ${first} + 32 then
      for at = ${first}, #ARGV do mids[#mids + 1] = idOf(ARGV[at]) end
    end
    local fields = { 'rev', 'seq', 'len', 'tokens', 'seal', 'turns', 'watched', 'created', 'title' }
    for j, mid in ipairs(mids) do fields[9 + j] = 'i:' .. mid end
    local meta = redis.call('HMGET', session, unpack(fields))
    for j, mid in ipairs(mids) do known[mid] = meta[9 + j] end

    local rev, seq = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0
    local len, tokens = tonumber(meta[3]) or 0, tonumber(meta[4]) or 0
    if meta[5] and meta[5] ~= seal then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local created = meta[1] and 0 or 1

    -- Positions of messages: a mark is a position, or position:first:count with that of the answer.
    local function markOf(mid)
      local mark = known[mid]
      if mark == nil then mark = redis.call('HMGET', session, 'i:' .. mid)[1] end
      return mark
    end

    local function marked(mid)
      local mark = markOf(mid)
      local at = mark and tonumber(string.match(mark, '^%d+'))
      if at and at <= seq then return at, mark end
    end

    -- What is to be kept of the session, until it is written.
    local sets = {}
    local function set(field, value)
      sets[#sets + 1] = field
      sets[#sets + 1] = value
    end

    local function write()
      if #sets > 0 then redis.call('HSET', session, unpack(sets)) end
      sets = {}
    end
`
}

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
      for j = 6, 9 do meta[j] = false end
    end
`

/**
 * `store(first)` appends the messages among the arguments from there on, each as `id|role|tokens|payload`;
 * those are left out whose id is there. Gives how many were added and how many not.
 */
export const store = /* lua */ `
    local new, acknowledged, system = {}, seq, nil

    local function storePiece(first, last)
      local lines, after = {}, seq
      for i = first, last do
        local mid, role, counted = string.match(ARGV[i], '^([^|]*)|(%a)|(%d+)|')
        local mark = not new[mid] and markOf(mid)
        -- With a mark that is damaged it ends here: what it stands for may be there.
        local isThere = mark and tonumber(string.match(mark, '^%d+')) <= acknowledged
        if not new[mid] and not isThere then
          new[mid] = true
          after = after + 1
          set('i:' .. mid, after)
          tokens = tokens + tonumber(counted)
          local line = after .. '|' .. ARGV[i]
          if role == 's' or role == 'd' then system = line end
          lines[#lines + 1] = line
        end
      end
      -- In pieces: unpack fails at some thousands of values.
      if #lines > 0 then len = redis.call('RPUSH', list, unpack(lines)) end
      seq = after
      return #lines
    end

    local function store(first)
      local added = 0
      for at = first, #ARGV, 1024 do
        if at > first then write() end
        added = added + storePiece(at, math.min(at + 1023, #ARGV))
      end
      return added, #ARGV - first + 1 - added
    end
`

/**
 * `save(added)` keeps what is known of the session, and sets the times to live; it gives 1 where the
 * index has a new line. `renewAll()` only renews.
 */
export const save: string = /* lua */ `
    -- The index lives as long as the longest session in it, and for good where one does.
    local function renewAll(isNew)
      if ttl > 0 then
        local time = ARGV[1]
        redis.call('PEXPIRE', session, time)
        redis.call('PEXPIRE', list, time)
        redis.call('PEXPIRE', state, time)
        local longer = redis.call('PEXPIRE', index, time, 'GT')
        if longer == 0 and isNew and #redis.call('ZRANGE', index, '0', '1') == 1 then
          redis.call('PEXPIRE', index, time)
        end
      else
        for j = 1, 4 do redis.call('PERSIST', KEYS[j]) end
      end
    end

    local function save(added)
      local lines = 0
      if added > 0 then
        rev = rev + 1
        set('rev', rev)
        set('seq', seq)
        set('len', len)
        set('tokens', tokens)
        set('seal', seal)
        local at = string.format('%.0f', now)
        set('updated', at)
        if not meta[8] then set('created', at) end
        if title ~= '' and not meta[9] then set('title', title) end
        if system then set('system', system) end
        lines = redis.call('ZADD', index, at, id)
      end
      write()
      renewAll(lines > 0)
      return lines
    end

    -- Two of the oldest lines for each new one: the index shrinks faster than it grows. While a slot
    -- moves, a key that is not declared may be out of reach: that must not end the script.
    local function prune()
      for _, old in ipairs(redis.call('ZRANGE', index, 0, 1)) do
        if redis.pcall('EXISTS', index .. ':' .. old) == 0 then redis.call('ZREM', index, old) end
      end
    end
`
