import type { ServerResponse } from 'node:http'
import type { Fields, Observer } from './exchange.ts'
import { changedFields, standingFields } from './response-fields.ts'

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

  readonly #broken = (): void => {
    if (this.#phase === 'over') return
    this.#release()
    this.#observer.end(false)
  }

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
    const { status, reason, lines } = readHead(args)
    // What node:http would refuse, it refuses itself.
    if (lines === undefined || !Number.isInteger(status)) return this.#pass('writeHead', args)
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

  #head(): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'open'
    const fields = changedFields(standingFields(this.#res), this.#before)
    const more = this.#observer.head(this.#res.statusCode, fields)
    if (more === false) this.#release()
    else if (!this.#res.headersSent) this.#set(Object.entries(more))
  }

  #write(args: unknown[]): boolean {
    if (this.#below || this.#phase === 'over') return this.#pass('write', args)
    const went = this.#pass('write', args)
    this.#head()
    this.#chunk(args)
    return went
  }

  #end(args: unknown[]): ServerResponse {
    if (this.#below || this.#phase === 'over') return this.#pass('end', args)
    const ended = this.#pass('end', args)
    this.#head()
    this.#chunk(args)
    if (this.#isOpen()) {
      this.#release()
      this.#observer.end(true)
    }
    return ended
  }

  #chunk([chunk, encoding]: unknown[]): void {
    if (!this.#isOpen() || !hasBody(this.#res)) return
    const bytes = toBytes(chunk, encoding)
    if (bytes) this.#observer.chunk(bytes)
  }

  #isOpen(): boolean {
    return this.#phase === 'open'
  }
}

type Lines = readonly (readonly [name: string, value: string | readonly string[]])[]

interface Head {
  readonly status: number
  readonly reason: string | undefined
  /** `undefined` where they are of no form that `node:http` knows. */
  readonly lines: Lines | undefined
}

function readHead([status, second, third]: unknown[]): Head {
  const reason = typeof second === 'string' ? second : undefined
  const given = third ?? (reason === undefined ? second : undefined)
  return { status: Number(status), reason, lines: readLines(given) }
}

function readLines(given: unknown): Lines | undefined {
  if (given === undefined || given === null) return []
  if (typeof given !== 'object') return undefined
  const lines: [string, string | readonly string[]][] = []
  for (const [name, value] of Array.isArray(given) ? readArray(given) : Object.entries(given)) {
    const text = typeof value === 'number' ? String(value) : value
    if (typeof name !== 'string' || !isValue(text)) return undefined
    lines.push([name, text])
  }
  return lines
}

/** `[name, value, name, value]` or `[[name, value]]`. */
function readArray(given: readonly unknown[]): [unknown, unknown][] {
  if (given.every(Array.isArray)) return given as [unknown, unknown][]
  const pairs: [unknown, unknown][] = []
  for (let at = 0; at < given.length; at += 2) pairs.push([given[at], given[at + 1]])
  return pairs
}

function isValue(value: unknown): value is string | readonly string[] {
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string')
  return typeof value === 'string'
}

function hasBody({ req, statusCode }: ServerResponse): boolean {
  return req?.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
}

/** A copy: whoever wrote the bytes may use them again. */
function toBytes(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}
