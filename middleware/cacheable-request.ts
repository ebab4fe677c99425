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
export class CacheableRequest implements Wish {
  readonly kind = 'cacheable'
  readonly record: CacheRecord
  readonly resource: string
  readonly directives: Directives
  readonly credentialed: boolean
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
  readonly #keyed: readonly string[]
  #headers: RequestHeaders | undefined
  #marks: readonly string[] | undefined

  constructor(parts: ReadParts) {
    const { resource, scope } = parts
    this.record = parts.record
    this.resource = resource.key
    this.directives = parts.directives
    this.credentialed = scope.credential !== undefined && scope.scoping === 'none'
    this.credential = scope.credential
    this.scoping = scope.scoping
    this.holder = scope.holder
    this.userId = parts.userId
    this.named = parts.named
    this.repeatable = parts.repeatable
    this.#req = parts.req
    this.#asked = resource
    this.#tag = scope.tag
    this.#keyed = parts.keyed
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
    const { marks } = this.#asked
    if (this.scoping !== 'id') return marks
    this.#marks ??= [...marks, scopeMark(this.#tag)]
    return this.#marks
  }

  get personal(): readonly string[] {
    return this.scoping === 'none' ? personalFields(this.headers, this.#keyed) : []
  }

  /** The last event of a stream that the client has had (`Last-Event-ID`). */
  get resumes(): string | undefined {
    return lineOf(this.headers, 'last-event-id')
  }
}
