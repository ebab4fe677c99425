import { Live, type LiveHead } from '../../lib/cache/live.ts'

/** The head of an answer that varies by nothing. */
export function headOf(more: Partial<LiveHead> = {}): LiveHead {
  const entry = {
    status: 200,
    fields: { 'content-type': 'text/event-stream' },
    storedAt: 1_700_000_000_000,
    ageMs: 0,
    lifeMs: 60_000,
    explicit: true,
    strict: false,
  }
  return { entry, names: [], variant: '', ...more }
}

/** An answer that has just begun. */
export function liveOf(maxBytes = 1024, more: Partial<LiveHead> = {}): Live {
  return new Live(headOf(more), maxBytes)
}
