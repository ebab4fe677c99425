import { nextTick } from 'node:process'
import { setImmediate } from 'node:timers'

// An application whose tests stop the clock must not stop what waits for the end of a moment with it,
// whichever came first: what Jest stops are the globals.
const afterThisTurn = setImmediate
const afterThisRun = nextTick

let running = false

/**
 * Calls `begin` once the event loop has seen to all that is ready. What goes on because of that, by
 * promises that `begin` fulfils, is one run of code: its end is the end of a moment.
 */
export function nextMoment(begin: () => void): void {
  afterThisTurn(() => {
    running = true
    begin()
    // Behind all that `begin` has fulfilled, and behind what comes of it.
    void Promise.resolve().then(() =>
      afterThisRun(() => {
        running = false
      }),
    )
  })
}

/**
 * Calls something at the end of this moment: where many go on in one run behind them, else once the
 * event loop has seen to all that is ready. To wait for that in such a run would be to wait for
 * another round of it.
 */
export function afterMoment(call: () => void): void {
  if (running) afterThisRun(call)
  else afterThisTurn(call)
}
