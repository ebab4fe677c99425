import type { HistoryLog } from '../../ports/history.ts'
import type { Conversations } from './history.ts'

type Changing = 'amend' | 'update' | 'rewind' | 'fork' | 'shrink' | 'forget'

/** Changes of whole sessions. */
export function embeddedChanges(_: Conversations): Pick<HistoryLog, Changing> {
  return {} as never
}
