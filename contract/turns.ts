import type { Suite } from './suite.ts'
import { turnRecordsContract } from './turn-records.ts'
import { turnsBeginContract } from './turns-begin.ts'
import { turnsEndContract } from './turns-end.ts'
import { turnsWatchContract } from './turns-watch.ts'
import { turnsWriteContract } from './turns-write.ts'

/** What turns must do, on every provider. */
export function turnsContract(suite: Suite): void {
  turnsBeginContract(suite)
  turnRecordsContract(suite)
  turnsWriteContract(suite)
  turnsEndContract(suite)
  turnsWatchContract(suite)
}
