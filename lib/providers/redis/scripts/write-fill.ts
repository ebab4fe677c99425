import { type Script, script } from '../script.ts'
import { holder } from './fill-steps.ts'

type Args = [token: string, leaseMs: number, last: number, bytes: Buffer]

// Of an answer; of a larger one whoever comes later gets the end only.
const mostBytes = 4 * 1024 * 1024

/** Keeps a batch of a fill's pieces, tells those who watch, and renews the lease. */
export const writeFill: Script<[fill: string, pieces: string], Args, boolean> = script(
  /* lua */ `
    local key, pieces, lease, last, batch = KEYS[1], KEYS[2], ARGV[2], ARGV[3], ARGV[4]
    ${holder}
    local fill = holder(key)
    if not holds(fill, ARGV[1]) then return 0 end

    local bytes, from, at = (fill.bytes or 0) + #batch, last .. '-0', '-'
    while bytes > ${mostBytes} do
      local oldest = redis.call('XRANGE', pieces, at, '+', 'COUNT', 1)[1]
      if not oldest then break end
      bytes, at = bytes - #(oldest[2][2] or ''), '(' .. oldest[1]
    end
    if at == '-' then from = '0' else
      local first = redis.call('XRANGE', pieces, at, '+', 'COUNT', 1)[1]
      if first then from = first[1] end
    end

    -- An id is the number of the batch's last piece, so a second sending is refused.
    local done = redis.pcall('XADD', pieces, 'MINID', '=', from, last .. '-0', 'b', batch)
    local new = type(done) ~= 'table'
    if not new and not string.find(done.err, 'equal or smaller', 1, true) then return done end
    if new then redis.call('HSET', key, 'bytes', string.format('%.0f', bytes)) end
    redis.call('PEXPIRE', key, lease)
    redis.call('PEXPIRE', pieces, lease)
    -- Whoever may not publish still answers: those who wait look at it from time to time.
    if new then redis.pcall('PUBLISH', pieces, 'b' .. last .. '|' .. batch) end
    return 1
  `,
  (raw) => raw === 1,
)
