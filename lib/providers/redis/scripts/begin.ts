import type { Begun } from '../../../ports/turns.ts'
import { type Script, script } from '../script.ts'
import { parseTurns } from '../session-record.ts'
import type { WriteBounds, WriteKeys } from './append.ts'
import { packedMeta, unpacked } from './packed-meta.ts'
import { mend, open, save, store } from './session-steps.ts'
import { trim } from './trim-steps.ts'
import { quiet, records, running } from './turn-steps.ts'

type Keys = [...WriteKeys, pieces: string]
type Args = [
  ...WriteBounds,
  token: string,
  runner: string,
  leaseMs: number,
  alone: number,
  question: Buffer,
]

/** What came of it, and the values of `metaFields` after it. */
interface Reply {
  readonly begun: Begun
  readonly values: readonly (Buffer | null)[]
}

/**
 * Appends a question and takes its turn, unless another is in the way. Of a session 16 records are
 * kept; those that ended long ago go, with their pieces.
 */
export const begin: Script<Keys, Args, Reply> = script(
  /* lua */ `
    ${open(11)}
    ${mend}
    ${store}
    ${trim}
    ${save}
    ${quiet}
    local token, runner, lease, alone = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10] == '1'
    local mid, most = idOf(ARGV[11]), 16

    local function packed() return ${packedMeta('session')} end

    local at, mark = marked(mid)
    local first, count = string.match(mark or '', '^%d+:(%d+):(%d+)$')
    if first then
      if ttl > 0 then renewAll() end
      return { 'answered', packed(), tonumber(first), tonumber(count) }
    end

    local turns, gone, own, stays = '', {}, nil, {}
    local line = mid .. ' ' .. token .. ' ' .. runner .. ' running ' .. string.format('%.0f', now + lease)
    local rest, oldest = quiet(meta[6] or '', mid, most)
    if rest then
      turns = rest == '' and line or rest .. '\\n' .. line
      gone[1] = oldest
    else
      ${records}
      ${running}
      local kept, pending, oldest = {}, 0, nil
      for _, record in ipairs(read(meta[6])) do
        if over(record) then
          gone[#gone + 1] = record.turn
        elseif record.state == 'ended' then
          if record.turn ~= mid then kept[#kept + 1] = record end
        else
          pending, oldest = pending + 1, oldest or record
          if record.turn == mid then own = record end
          kept[#kept + 1] = record
        end
      end
      local other = own or ((alone or pending >= most) and oldest) or nil
      if other and not (own and own.token == token) then
        if ttl > 0 then renewAll() end
        return { other.ends <= now and 'lapsed' or own and 'running' or 'busy', packed(), other.line }
      end

      if own then
        -- The first reply was lost, and the question comes again.
        change(own, own.state, now + lease)
      else
        for j = 1, #kept do
          if #kept < most then break end
          local place = 1
          while kept[place].state ~= 'ended' do place = place + 1 end
          gone[#gone + 1] = table.remove(kept, place).turn
        end
        kept[#kept + 1] = { turn = mid, line = line, state = 'running', ends = now + lease }
      end
      turns, stays = written(kept), running(kept)
    end
    stays[mid] = true

    local added = store(11)
    -- An earlier try at the same question counted its pieces from 1 as well. Not before anything is
    -- stored: a script that has deleted something may write although Redis is full.
    if not own then redis.call('UNLINK', KEYS[6]) end
    local trimmed = len > max and trim(added, stays) or 0
    set('turns', turns)
    local lines = save(added)
    for _, turn in ipairs(gone) do
      if turn ~= mid then redis.pcall('UNLINK', session .. ':t:' .. turn) end
    end
    if lines > 0 then prune() end
    return { 'begun', packed(), rev, seq, trimmed, created, 1 - added }
  `,
  (raw) => {
    const [kind, packed, ...rest] = raw as [Buffer, Buffer?, ...unknown[]]
    const begun = begunAs(kind.toString() as Begun['kind'], rest)
    return { begun, values: packed ? unpacked(packed) : [] }
  },
  { binary: true },
)

function begunAs(kind: Begun['kind'], rest: readonly unknown[]): Begun {
  if (kind === 'forgotten') return { kind }
  if (kind === 'answered' || kind === 'begun') {
    const [first = 0, second = 0, trimmed = 0, created, again] = rest as number[]
    if (kind === 'answered') return { kind, first, count: second }
    return { kind, rev: first, seq: second, trimmed, created: created === 1, again: again === 1 }
  }
  const [record] = parseTurns(rest[0] as Buffer)
  if (record === undefined) throw new TypeError('A turn has no record')
  return { kind, record }
}
