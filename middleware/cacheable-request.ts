import type { IncomingMessage } from 'node:http'
import type { Directives } from '../lib/cache/cache-control.ts'
import { lineOf, type RequestHeaders } from '../lib/cache/fields.ts'
import type { Resource } from '../lib/cache/known-resources.ts'
import { scopeMark } from '../lib/cache/marks.ts'
import { personalFields } from '../lib/cache/personal.ts'
import type { Wish } from '../lib/cache/reuse.ts'
import type { Credential, Scoping } from '../lib/cache/storable.ts'
import type { CacheRecord } from './cache-record.ts'

/** Who stands in the key: a user, nobody or a guest, or whom the application chose. */
export type Holder = 'user' | 'nobody' | 'application'

/** Whose answers these are. */
export interface Scope {
  readonly scoping: Scoping
  readonly tag: string
  /** What ties the request to a person. */
  readonly credential: Credential | undefined
  readonly holder: Holder
}

/** What has been read of a request that the cache may answer. */
export interface ReadParts {
  readonly req: IncomingMessage
  readonly record: CacheRecord
  readonly resource: Resource
  readonly scope: Scope
  readonly directives: Directives
  /** Fields of the request that stand in the key. */
  readonly keyed: readonly string[]
  readonly userId: unknown
  readonly named: number
  readonly repeatable: boolean
}

/** A request that the cache may answer. What a hit does without is read when it is asked for. */
export class CacheableRequest {
  readonly kind = 'cacheable'
  readonly record: CacheRecord
  readonly resource: string
  readonly wish: Wish
  readonly credential: Credential | undefined
  readonly scoping: Scoping
  readonly holder: Holder
  /** The user that the framework named when the key was made. */
  readonly userId: unknown
  /** How many `user` options had named somebody then. */
  readonly named: number
  /** The chain can run again for it: there is no body, or a parser has kept it. */
  readonly repeatable: boolean
  readonly #req: IncomingMessage
  readonly #asked: Resource
  readonly #tag: string
  #headers: RequestHeaders | undefined
  #marks: readonly string[] | undefined

  constructor({ req, record, resource, scope, directives, keyed, ...rest }: ReadParts) {
    this.record = record
    this.resource = resource.key
    this.wish = new ReadWish(this, directives, keyed, scope)
    this.credential = scope.credential
    this.scoping = scope.scoping
    this.holder = scope.holder
    this.userId = rest.userId
    this.named = rest.named
    this.repeatable = rest.repeatable
    this.#req = req
    this.#asked = resource
    this.#tag = scope.tag
  }

  /** As the client sent them. */
  get headers(): RequestHeaders {
    return this.#headers ?? this.#req.headers
  }

  /** Keeps the fields as they are now: a fill runs without some, and handlers may change others. */
  keepHeaders(): void {
    this.#headers ??= { ...this.#req.headers }
  }

  /** What its answers carry, so that they can be purged: their target, and their owner. */
  get marks(): readonly string[] {
    this.#marks ??=
      this.scoping === 'id' ? [this.#asked.mark, scopeMark(this.#tag)] : [this.#asked.mark]
    return this.#marks
  }

  /** The last event of a stream that the client has had (`Last-Event-ID`). */
  get resumes(): string | undefined {
    return lineOf(this.headers, 'last-event-id')
  }
}

class ReadWish implements Wish {
  readonly directives: Directives
  readonly credentialed: boolean
  readonly #request: CacheableRequest
  readonly #keyed: readonly string[]
  readonly #isUnscoped: boolean

  constructor(
    request: CacheableRequest,
    directives: Directives,
    keyed: readonly string[],
    { scoping, credential }: Scope,
  ) {
    this.directives = directives
    this.credentialed = credential !== undefined && scoping === 'none'
    this.#request = request
    this.#keyed = keyed
    this.#isUnscoped = scoping === 'none'
  }

  get personal(): readonly string[] {
    return this.#isUnscoped ? personalFields(this.#request.headers, this.#keyed) : []
  }
}
