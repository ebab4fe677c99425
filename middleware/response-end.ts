import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ResponseEnd } from '../lib/limit/rule.ts'

/** Calls `ended` once, when the response is over: at once where it is already. */
export function onResponseEnd(res: ServerResponse, ended: (end: ResponseEnd) => void): void {
  const carrier = carrierOf(res)
  const listeners = carrier ? listenersOn(carrier) : new Set()
  const tell = (whole: boolean) => {
    if (!listeners.delete(lost)) return
    const aborted = !whole || brokeOff(res, carrier)
    ended({ status: res.headersSent ? res.statusCode : undefined, aborted })
  }
  const lost = () => tell(res.writableFinished)
  // A pipelined response whose turn never comes hears of its connection's end from nobody else.
  listeners.add(lost)
  // The last byte is out before the connection closes; the next request may come in between.
  res.once('finish', () => tell(true))
  res.once('close', lost)
  if (res.closed || res.destroyed || carrier?.destroyed) lost()
}

/** What a response goes out on: its own stream of HTTP/2, else a connection that others share. */
interface Carrier extends EventEmitter {
  readonly destroyed: boolean
  /** Of a stream; 0 where nothing went wrong. */
  readonly rstCode?: number
}

function carrierOf(res: ServerResponse & { readonly stream?: Carrier }): Carrier | undefined {
  const carrier = res.stream ?? (res.req?.socket as Carrier | undefined)
  // What an injected request goes out on need not be one.
  return typeof carrier?.once === 'function' ? carrier : undefined
}

/** HTTP/2 says that a response has finished also where its stream broke off. */
function brokeOff(res: ServerResponse, carrier: Carrier | undefined): boolean {
  return carrier?.rstCode !== undefined && (carrier.rstCode !== 0 || !res.writableEnded)
}

const known = new WeakMap<Carrier, Set<() => void>>()

/** Who is told when it closes: one listener, however many responses it carries. */
function listenersOn(carrier: Carrier): Set<() => void> {
  const listeners = known.get(carrier) ?? new Set()
  if (known.has(carrier)) return listeners
  known.set(carrier, listeners)
  carrier.once('close', () => {
    for (const lost of listeners) lost()
  })
  return listeners
}
