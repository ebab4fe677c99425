import type { ServerResponse } from 'node:http'
import { publish } from '../lib/telemetry.ts'
import type { Fields, Observer } from './exchange.ts'
import { changedFields, standingFields } from './response-fields.ts'
import { onceSent } from './sent.ts'
import { type Lines, readHead } from './written-head.ts'

/** An observation under way. */
export interface Capture {
  /** Ends it where nothing has gone out yet and says true; false where it is too late for that. */
  cancel(): boolean
}

/**
 * Tells the observer what goes out on this response from now on, below every framework.
 *
 * Nothing is held back: each piece goes where it would have gone. Middlewares that wrapped the
 * response before this call see it after the observer, those that wrap it later before.
 */
export function captureResponse(res: ServerResponse, observer: Observer): Capture {
  if (res.headersSent || res.writableEnded || res.closed || res.destroyed) {
    observer.end(false)
    return { cancel: () => false }
  }
  return new ResponseCapture(res, observer)
}

const overridden = ['write', 'end', 'writeHead', 'flushHeaders'] as const
type Methods = Pick<ServerResponse, (typeof overridden)[number]>

class ResponseCapture implements Capture {
  readonly #res: ServerResponse
  readonly #observer: Observer
  readonly #before: Fields
  readonly #original: Methods
  readonly #own: Methods
  readonly #wrapped: ReadonlySet<string>
  #phase: 'waiting' | 'open' | 'over' = 'waiting'
  // Some responses write through `write` when they end: what they do below is one step, seen once.
  #below = false

  constructor(res: ServerResponse, observer: Observer) {
    this.#res = res
    this.#observer = observer
    this.#before = standingFields(res)
    this.#wrapped = new Set(overridden.filter((name) => Object.hasOwn(res, name)))
    const { write, end, writeHead, flushHeaders } = res
    this.#original = { write, end, writeHead, flushHeaders }
    this.#own = {
      write: (...args: unknown[]) => this.#write(args),
      end: (...args: unknown[]) => this.#end(args),
      writeHead: (...args: unknown[]) => this.#writeHead(args),
      flushHeaders: () => this.#pass('flushHeaders', []),
    } as Methods
    Object.assign(res, this.#own)
    res.once('close', this.#broken)
  }

  cancel(): boolean {
    const early = this.#phase === 'waiting'
    if (early) this.#release()
    return early
  }

  readonly #broken = (): void => this.#lose()

  /** Gives the response its methods back, where nobody has wrapped ours since. */
  #release(): void {
    this.#phase = 'over'
    const res = this.#res
    res.off('close', this.#broken)
    for (const name of overridden) {
      if (res[name] !== this.#own[name]) continue
      if (this.#wrapped.has(name)) Object.assign(res, { [name]: this.#original[name] })
      else Reflect.deleteProperty(res, name)
    }
  }

  #pass<Name extends keyof Methods>(name: Name, args: unknown[]): ReturnType<Methods[Name]> {
    const outermost = !this.#below
    this.#below = true
    try {
      return Reflect.apply(this.#original[name], this.#res, args)
    } finally {
      if (outermost) this.#below = false
    }
  }

  /** `node:http` sends the head through `writeHead`, also before the first `write`. */
  #writeHead(args: unknown[]): ServerResponse {
    if (this.#phase !== 'waiting' || this.#res.headersSent) return this.#pass('writeHead', args)
    const head = readHead(args)
    if (head === undefined) {
      // What node:http would refuse, it refuses itself. What it takes has gone out unseen.
      const passed = this.#pass('writeHead', args)
      this.#lose()
      return passed
    }
    const { status, reason, lines } = head
    this.#res.statusCode = status
    this.#set(lines)
    this.#head()
    return this.#pass('writeHead', reason === undefined ? [status] : [status, reason])
  }

  #set(lines: Lines): void {
    const seen = new Set<string>()
    for (const [name, value] of lines) {
      if (seen.has(name.toLowerCase())) this.#res.appendHeader(name, value)
      else this.#res.setHeader(name, value)
      seen.add(name.toLowerCase())
    }
  }

  /** Never fails: nobody below could do anything about it. */
  #head(): void {
    if (this.#phase !== 'waiting') return
    // It went by another way than `writeHead`: what it said is not known, nor can it be added to.
    if (this.#res.headersSent) this.#lose()
    else this.#show()
  }

  #show(): void {
    this.#phase = 'open'
    try {
      const fields = changedFields(standingFields(this.#res), this.#before)
      const more = this.#observer.head(this.#res.statusCode, fields)
      if (more === false) this.#release()
      else if (!this.#res.headersSent) this.#set(Object.entries(more))
    } catch (error) {
      publish('error', () => ({ during: 'response head', error }))
      this.#lose()
    }
  }

  #lose(): void {
    if (this.#phase === 'over') return
    this.#release()
    this.#observer.end(false)
  }

  #write(args: unknown[]): boolean {
    if (this.#below || this.#phase === 'over') return this.#pass('write', args)
    const bytes = toBytes(args)
    const went = this.#pass('write', args)
    this.#head()
    this.#chunk(bytes)
    return went
  }

  #end(args: unknown[]): ServerResponse {
    if (this.#below || this.#phase === 'over') return this.#pass('end', args)
    const bytes = toBytes(args)
    const ended = this.#pass('end', args)
    this.#head()
    this.#chunk(bytes)
    if (this.#isOpen()) {
      this.#release()
      onceSent(this.#res, (complete) => this.#observer.end(complete))
    }
    return ended
  }

  #chunk(bytes: Buffer | undefined): void {
    if (bytes && this.#isOpen() && hasBody(this.#res)) this.#observer.chunk(bytes)
  }

  #isOpen(): boolean {
    return this.#phase === 'open'
  }
}

function hasBody({ req, statusCode }: ServerResponse): boolean {
  return req?.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
}

/** A copy, made before the bytes go on: whoever wrote or takes them may change them. */
function toBytes([chunk, encoding]: unknown[]): Buffer | undefined {
  if (typeof chunk === 'string') {
    const known = typeof encoding === 'string' && Buffer.isEncoding(encoding)
    return Buffer.from(chunk, known ? encoding : 'utf8')
  }
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}
