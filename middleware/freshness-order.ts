import type { ServerResponse } from 'node:http'

/** Remembers which status a response had when somebody last said how long it is fresh. */
export interface FreshnessOrder {
  /** Whether the freshness was said of this very status. */
  saidOf(status: number): boolean
  /** Gives the response its method back, where nobody has wrapped ours since. */
  stop(): void
}

const fields = new Set(['cache-control', 'cdn-cache-control', 'expires'])

/**
 * Watches in which order status and freshness are set. A handler that sets `Cache-Control` and then
 * throws leaves it to whoever answers for the error, and that one's answer was not meant.
 */
export function watchFreshness(res: ServerResponse): FreshnessOrder {
  const before = Object.getOwnPropertyDescriptor(res, 'setHeader')
  const { setHeader } = res
  let status: number | undefined
  const watched: typeof setHeader = (name, value) => {
    if (typeof name === 'string' && fields.has(name.toLowerCase())) status = res.statusCode
    return Reflect.apply(setHeader, res, [name, value])
  }
  res.setHeader = watched
  return {
    saidOf: (asked) => status === asked,
    stop() {
      if (res.setHeader !== watched) return
      if (before) Object.defineProperty(res, 'setHeader', before)
      else Reflect.deleteProperty(res, 'setHeader')
    },
  }
}
