import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { type CacheFact, cacheStatus } from '../lib/cache/cache-status.ts'
import { currentAgeMs, type Entry } from '../lib/cache/entry.ts'
import { factsOf } from '../lib/cache/entry-facts.ts'
import { afterEvent, eventCursor } from '../lib/cache/event-stream.ts'
import type { Live } from '../lib/cache/live.ts'
import { replay } from '../lib/cache/replay.ts'
import { type Asked, type OuterFields, type Reply, replyFrom } from '../lib/cache/reply.ts'
import type { CacheSettings } from './cache-options.ts'
import type { AnswerReason } from './cache-record.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import type { Exchange } from './exchange.ts'
import { standingLine } from './response-fields.ts'

/** What a stored answer is said to be. */
export interface Told {
  readonly status: 'hit' | 'stale' | 'collapsed'
  readonly reason?: AnswerReason | undefined
  readonly fact: CacheFact
}

/** Answers one request from what is stored, or is being made. */
export class Replies<Native> {
  readonly #settings: CacheSettings<Native>
  readonly #exchange: Exchange<Native>
  readonly #request: CacheableRequest

  constructor(
    settings: CacheSettings<Native>,
    exchange: Exchange<Native>,
    request: CacheableRequest,
  ) {
    this.#settings = settings
    this.#exchange = exchange
    this.#request = request
  }

  /** Whether an entry holds what this client lacks: a stream goes on only after an event in it. */
  continues(entry: Entry): boolean {
    const { resumes } = this.#request
    if (resumes === undefined || !factsOf(entry).isStream) return true
    return afterEvent(entry.body, resumes) !== undefined
  }

  /** The same of an answer in the making: who has had an event of it had it from here. */
  joins(live: Live): boolean {
    const { resumes } = this.#request
    if (resumes === undefined) return true
    const after = eventCursor(resumes)
    const tap = live.tap({ more: () => undefined, broke: () => undefined })
    let found = false
    for (let piece = tap?.take(); piece && !found; piece = tap?.take())
      found = after(piece) !== undefined
    tap?.close()
    return found
  }

  /** `came`: where the same body came for this request alone, and need not be copied. */
  fromEntry(
    entry: Entry,
    { status, reason, fact }: Told,
    came?: { readonly ownBody?: Buffer | undefined },
  ): void {
    const now = Date.now()
    const reply = replyFrom(entry, this.#asked(fact, now))
    this.#request.record.answered(status, Math.floor(currentAgeMs(entry, now) / 1000), reason)
    if (factsOf(entry).isStream && reply.status === entry.status) this.#stream(entry, reply)
    else this.#send(reply, reply.body && this.#handedOut(reply.body, entry, came))
  }

  /** From an answer that another request makes, as it grows. */
  fromLive(live: Live): void {
    const now = Date.now()
    const { resumes } = this.#request
    const entry = { ...live.head.entry, body: Buffer.alloc(0), pieces: undefined }
    const asked = this.#asked({ fwd: 'miss', collapsed: true }, now)
    // Nobody knows yet how long the whole is of which this client wants a part.
    const { range: _range, ...headers } = asked.headers
    const { status, fields } = replyFrom(entry, { ...asked, headers })
    this.#request.record.answered('collapsed', 0)
    const { 'content-length': _, ...rest } = fields
    const after = resumes === undefined ? undefined : eventCursor(resumes)
    this.#send({ status, fields: rest }, status === 304 ? undefined : live.read(ownBytes(after)))
  }

  /** RFC 9111 section 5.2.1.7: the client wanted what is stored, or nothing. */
  unavailable(): void {
    this.#request.record.passed('miss', 'only-if-cached')
    this.say({ fwd: 'miss', detail: 'only-if-cached' })
    const fields = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '0' }
    this.#exchange.answer(504, fields, Buffer.alloc(0))
  }

  /** The handler answers, and nothing is kept of that. */
  bypass(reason: 'store' | 'last-event-id'): void {
    const { record } = this.#request
    if (reason === 'store') record.degrade()
    record.passed('bypass', reason)
    this.say({ fwd: 'bypass', detail: reason })
  }

  /** Says what the cache did on a response that the handler makes. */
  say(fact: CacheFact): void {
    saidOn(this.#settings, this.#exchange, fact)
  }

  #asked(fact: CacheFact, now: number): Asked {
    const { req, res } = this.#exchange
    const said = this.#settings.cacheStatus ? fact : undefined
    const { headers } = this.#request
    return { method: req.method, headers, outer: outerFields(res), fact: said, now }
  }

  /** A stream begins after the event that the client has had. */
  #stream({ body, pieces }: Entry, reply: Reply): void {
    const { resumes } = this.#request
    const rest = resumes === undefined ? body : (afterEvent(body, resumes) ?? body)
    const { 'content-length': _, ...fields } = reply.fields
    const inRhythm = this.#settings.stream.replay === 'original' && rest === body
    if (reply.body === undefined) this.#send(reply, undefined)
    // HTML section 9.2.3: a client that has had everything is told not to come back.
    else if (rest.length === 0 && body.length > 0) this.#send(withoutBody(reply), undefined)
    else if (inRhythm && pieces)
      this.#send({ ...reply, fields }, replay(body, pieces, goneWith(this.#exchange)))
    else this.#send({ ...reply, fields: withLength(reply, rest) }, Buffer.from(rest))
  }

  /** Others may be answered from the same bytes, and who stands outside may write into them. */
  #handedOut(
    body: Buffer,
    entry: Entry,
    came: { readonly ownBody?: Buffer | undefined } | undefined,
  ): Buffer {
    if (!this.#exchange.showsBody) return body
    return (body === entry.body && came?.ownBody) || Buffer.from(body)
  }

  #send(
    { status, fields }: Pick<Reply, 'status' | 'fields'>,
    body: Buffer | Readable | undefined,
  ): void {
    const { res } = this.#exchange
    const typed = 'content-type' in fields || res.hasHeader('content-type')
    this.#exchange.answer(status, fields, body)
    // Koa gives every body a type; one that was stored without has none.
    if (!typed && !res.headersSent) res.removeHeader('content-type')
  }
}

/** All who read along share the pieces, and middlewares outside may write into them. */
function ownBytes(after: (chunk: Buffer) => Buffer | undefined = (chunk) => chunk) {
  return (chunk: Buffer): Buffer | undefined => {
    const rest = after(chunk)
    return rest && Buffer.from(rest)
  }
}

/** Says what the cache did on a response that the handler makes. */
export function saidOn<Native>(
  { cacheStatus: says }: Pick<CacheSettings<Native>, 'cacheStatus'>,
  { res }: Exchange<Native>,
  fact: CacheFact,
): void {
  if (!says || res.headersSent) return
  res.setHeader('Cache-Status', cacheStatus(standingLine(res, 'cache-status'), fact))
}

/** What stands on a response already and goes into the fields of a reply. */
function outerFields(res: ServerResponse): OuterFields {
  return { vary: standingLine(res, 'vary') || undefined, status: standingLine(res, 'cache-status') }
}

/** Aborted once the client is gone. */
function goneWith<Native>({ res }: Exchange<Native>): AbortSignal {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  return gone.signal
}

function withoutBody({ fields }: Reply): Reply {
  const { 'content-length': _, 'content-type': __, ...rest } = fields
  return { status: 204, fields: rest, body: undefined }
}

function withLength({ fields }: Reply, { length }: Buffer): Reply['fields'] {
  return { ...fields, 'content-length': String(length) }
}
