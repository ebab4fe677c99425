import type { TurnRecord } from '../../../ports/history.ts'
import { type Script, script } from '../script.ts'
import { parseTurns } from '../session-record.ts'
import { clock, records } from './turn-steps.ts'

/** Asks for the end of all turns that run, or of one; tells those who answer. */
export const stop: Script<[session: string], [turn: string, seal: string], readonly TurnRecord[]> =
  script(
    /* lua */ `
    local session = KEYS[1]
    ${clock}
    ${records}
    local meta = redis.call('HMGET', session, 'turns', 'seal')
    if meta[2] and meta[2] ~= ARGV[2] then
      return redis.error_reply('SEAL the session belongs to another key')
    end
    local all, asked = read(meta[1]), {}
    for _, record in ipairs(all) do
      if record.state ~= 'ended' and (ARGV[1] == '' or record.turn == ARGV[1]) then
        asked[#asked + 1] = change(record, 'stopping', record.ends)
      end
    end
    if #asked == 0 then return '' end
    redis.call('HSET', session, 'turns', written(all))
    local lines = {}
    for j, record in ipairs(asked) do
      lines[j] = record.line
      redis.pcall('PUBLISH', record.runner, record.token)
    end
    return table.concat(lines, '\\n')
  `,
    (raw) => parseTurns(String(raw)),
  )
