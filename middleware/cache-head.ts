import type { Entry } from '../lib/cache/entry.ts'
import { freshenedFields } from '../lib/cache/freshened.ts'
import { headSays } from '../lib/cache/head-update.ts'
import { graceMs } from '../lib/cache/stale.ts'
import type { Deadline } from '../lib/deadline.ts'
import { publish } from '../lib/telemetry.ts'
import { Judge } from './cache-judge.ts'
import type { CacheParts } from './cache-parts.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import type { Exchange, Fields, Observer } from './exchange.ts'

/** A HEAD that its handler answers, and the stored GET that could have answered it. */
interface Headed<Native> {
  readonly exchange: Exchange<Native>
  readonly request: CacheableRequest
  readonly deadline: Deadline
  readonly entry: Entry
}

/** Holds what a HEAD is answered against the stored GET (RFC 9111 section 4.3.5). */
export class HeadUpdate<Native> implements Observer {
  readonly #parts: CacheParts<Native>
  readonly #headed: Headed<Native>
  readonly #judge: Judge<Native>

  constructor(parts: CacheParts<Native>, headed: Headed<Native>) {
    this.#parts = parts
    this.#headed = headed
    this.#judge = new Judge(parts.settings, headed)
  }

  head(status: number, fields: Fields): false {
    const { entry, request } = this.#headed
    const said = headSays(entry, { status, fields })
    if (said === 'freshen') this.#freshen(fields)
    if (said === 'invalidate')
      this.#parts.shelf
        .drop(request.resource)
        .catch((error: unknown) => publish('error', () => ({ during: 'cache drop', error })))
    return false
  }

  chunk(): void {}

  end(): void {
    this.#judge.stop()
  }

  #freshen(received: Fields): void {
    const { entry, request, deadline } = this.#headed
    const { body, pieces, since } = entry
    const fields = freshenedFields(entry, received, Date.now())
    if (fields === undefined || this.#judge.consider(entry.status, fields) !== undefined) return
    const { draft, names } = this.#judge
    if (draft === undefined) return
    const fresh = { ...draft, body, pieces, since }
    const { resource, headers, marks } = request
    const grace = graceMs(fresh, this.#parts.settings.mode)
    void this.#parts.shelf.amend({ resource, headers, deadline, marks }, fresh, names, grace)
  }
}
