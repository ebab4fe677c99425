import { Live, type LiveHead } from '../../lib/cache/live.ts'
import { entryOf } from './entry-of.ts'

/** The head of an event stream that varies by nothing. */
export function headOf(more: Partial<LiveHead> = {}): LiveHead {
  const fields = { 'content-type': 'text/event-stream' }
  const { body: _body, pieces: _pieces, ...entry } = entryOf('', { fields })
  return { entry, names: [], variant: '', ...more }
}

/** An answer that has just begun. */
export function liveOf(maxBytes = 1024, more: Partial<LiveHead> = {}): Live {
  return new Live(headOf(more), maxBytes)
}
