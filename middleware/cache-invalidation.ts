import { invalidated, invalidatingFields, isSafe } from '../lib/cache/invalidation.ts'
import { groupMark, targetMark } from '../lib/cache/marks.ts'
import type { CacheParts } from './cache-parts.ts'
import type { Exchange, Fields, HeadWatcher } from './exchange.ts'

/** Purges what a request that changed something made untrue (RFC 9111 section 4.4), before its answer goes out. */
export class Invalidation<Native> implements HeadWatcher {
  readonly fields: readonly string[] = invalidatingFields
  readonly #parts: CacheParts<Native>
  readonly #exchange: Exchange<Native>

  constructor(parts: CacheParts<Native>, exchange: Exchange<Native>) {
    this.#parts = parts
    this.#exchange = exchange
  }

  told(status: number, fields: Fields): void {
    const { req, url, host, protocol } = this.#exchange
    const { settings, shelf } = this.#parts
    const request = { method: req.method ?? '', url, host, protocol }
    const marks = invalidated(
      request,
      { status, fields },
      {
        target: (target) => targetMark(target, settings.query),
        group: (name) => groupMark(`${protocol}://${host}`, name),
      },
    )
    // Nobody waits for it: what a client asks this process for next goes to the store after it.
    shelf.invalidate(marks)
  }
}

/** Whether a method may change something (RFC 9110 section 9.2.1). */
export function isUnsafe(method: string | undefined): boolean {
  return method !== undefined && !isSafe(method)
}
