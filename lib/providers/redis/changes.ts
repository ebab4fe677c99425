import type { HistoryLog } from '../../ports/history.ts'
import type { Pool } from './pool.ts'

type Changing = 'amend' | 'update' | 'rewind' | 'fork' | 'shrink' | 'forget'

/** Changes of whole sessions. */
export function redisChanges(_pool: Pool): Pick<HistoryLog, Changing> {
  return {} as never
}
