import type { ServerResponse } from 'node:http'
import type { ResponseEnd } from '../lib/limit/rule.ts'

/** Calls `ended` once, when the response is over: at once where it is already. */
export function onResponseEnd(res: ServerResponse, ended: (end: ResponseEnd) => void): void {
  let over = false
  const tell = (aborted: boolean) => {
    if (over) return
    over = true
    ended({ status: res.headersSent ? res.statusCode : undefined, aborted })
  }
  // The last byte is out before the connection closes; the next request may come in between.
  res.once('finish', () => tell(false))
  res.once('close', () => tell(!res.writableFinished))
  if (res.closed || res.destroyed) tell(!res.writableFinished)
}
