import type { ServerResponse } from 'node:http'
import { publish } from '../lib/telemetry.ts'
import type { Observer } from './exchange.ts'
import { rescues, settle } from './rescue.ts'
import { changedFields, standingFields } from './response-fields.ts'
import { headOf, type ResponseHead, takeBack } from './response-head.ts'
import { hasLeft, onceSent } from './sent.ts'
import { Withheld } from './withheld.ts'
import { hasBody, isNoChunk, toBytes } from './written-body.ts'
import { readHead, setLines } from './written-head.ts'

/** An observation under way. */
export interface Capture {
  /** Whether head and body are kept from the client, and the handler has not ended them yet. */
  readonly withholds: boolean
  /** Whether the observer has answered in the place of an answer that failed. */
  readonly rescued: boolean
  /** Ends it where nothing has gone out yet and says true; false where it is too late for that. */
  cancel(): boolean
}

/**
 * Tells the observer what goes out on this response from now on, below every framework.
 *
 * Nothing is held back, but what the observer withholds: each piece goes where it would have gone.
 * Middlewares that wrapped the response before this call see it after the observer, those that wrap
 * it later before.
 */
export function captureResponse(res: ServerResponse, observer: Observer): Capture {
  if (res.headersSent || res.writableEnded || res.closed || res.destroyed) {
    observer.end(false)
    return { withholds: false, rescued: false, cancel: () => false }
  }
  return new ResponseCapture(res, observer)
}

const overridden = ['write', 'end', 'writeHead', 'flushHeaders', 'destroy'] as const
type Methods = Pick<ServerResponse, (typeof overridden)[number]>

class ResponseCapture implements Capture {
  readonly #res: ServerResponse
  readonly #observer: Observer
  readonly #before: ResponseHead
  readonly #original: Methods
  readonly #own: Methods
  readonly #wrapped: ReadonlySet<string>
  #phase: 'waiting' | 'open' | 'withheld' | 'over' = 'waiting'
  #withheld: Withheld | undefined
  // Some responses write through `write` when they end: what they do below is one step, seen once.
  #below = false
  // What is written into the head by then counts, and nothing goes out yet.
  #deciding = false
  rescued = false

  constructor(res: ServerResponse, observer: Observer) {
    this.#res = res
    this.#observer = observer
    this.#before = headOf(res)
    this.#wrapped = new Set(overridden.filter((name) => Object.hasOwn(res, name)))
    const { write, end, writeHead, flushHeaders, destroy } = res
    this.#original = { write, end, writeHead, flushHeaders, destroy }
    this.#own = {
      write: (...args: unknown[]) => this.#write(args),
      end: (...args: unknown[]) => this.#end(args),
      writeHead: (...args: unknown[]) => this.#writeHead(args),
      flushHeaders: () => this.#flushHeaders(),
      destroy: (...args: unknown[]) => this.#destroy(args),
    } as Methods
    for (const name of overridden) {
      if (name !== 'destroy' || observer.rescue) Object.assign(res, { [name]: this.#own[name] })
    }
    res.once('close', this.#broken)
  }

  get withholds(): boolean {
    return this.#phase === 'withheld'
  }

  cancel(): boolean {
    if (this.#phase === 'withheld') this.#giveBack()
    else if (this.#phase === 'waiting') this.#release()
    else return false
    return true
  }

  readonly #broken = (): void => this.#lose()

  /** Gives the response its methods back, where nobody has wrapped ours since. */
  #release(): void {
    this.#phase = 'over'
    const res = this.#res
    res.off('close', this.#broken)
    for (const name of overridden) if (res[name] === this.#own[name]) this.#restore(name)
  }

  #restore(name: (typeof overridden)[number]): void {
    if (this.#wrapped.has(name)) Object.assign(this.#res, { [name]: this.#original[name] })
    else Reflect.deleteProperty(this.#res, name)
  }

  /** The response as it stood, also without what was wrapped around it since: another answers. */
  #giveBack(): void {
    this.#release()
    for (const name of overridden) this.#restore(name)
    this.#withheld?.release()
    takeBack(this.#res, this.#before)
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
    if (this.withholds) this.#withheld?.writeHead()
    if (this.#phase !== 'waiting' || this.#res.headersSent) return this.#pass('writeHead', args)
    const head = readHead(args)
    if (head === undefined && this.#deciding) return this.#res
    if (head === undefined) {
      // What node:http would refuse, it refuses itself. What it takes has gone out unseen.
      const passed = this.#pass('writeHead', args)
      this.#lose()
      return passed
    }
    const { status, reason, lines } = head
    this.#res.statusCode = status
    if (this.#deciding && reason !== undefined) this.#res.statusMessage = reason
    setLines(this.#res, lines)
    this.#head()
    if (this.#deciding || this.withholds) return this.#res
    return this.#pass('writeHead', reason === undefined ? [status] : [status, reason])
  }

  /**
   * Asks before anything is passed on what becomes of it: a middleware outside that has seen `end`
   * once would take no other. Who has wrapped `writeHead` since is asked first, and only once.
   */
  #decide(): void {
    const res = this.#res
    if (this.#phase !== 'waiting' || res.headersSent || res.writableEnded || res.destroyed) return
    this.#deciding = true
    try {
      res.writeHead(res.statusCode)
    } finally {
      this.#deciding = false
    }
    if (this.#isOpen()) res.writeHead = this.#own.writeHead
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
      const fields = changedFields(standingFields(this.#res), this.#before.fields)
      const more = this.#observer.head(this.#res.statusCode, fields)
      if (more === false) this.#release()
      else if (more === 'withhold') this.#withhold()
      else if (!this.#res.headersSent) setLines(this.#res, Object.entries(more))
    } catch (error) {
      publish('error', () => ({ during: 'response head', error }))
      this.#lose()
    }
  }

  #withhold(): void {
    this.#phase = 'withheld'
    this.#withheld = new Withheld(this.#res, (bytes) => this.#observer.chunk(bytes))
  }

  #lose(): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'withheld') this.#giveBack()
    else this.#release()
    this.#observer.end(false)
  }

  #write(args: unknown[]): boolean {
    if (this.#below || this.#phase === 'over') return this.#pass('write', args)
    const bytes = toBytes(args)
    if (bytes) this.#decide()
    if (this.#withheld && this.withholds) return this.#withheld.write(args)
    const went = this.#pass('write', args)
    this.#head()
    this.#chunk(bytes)
    return went
  }

  #end(args: unknown[]): ServerResponse {
    if (this.#below || this.#phase === 'over') return this.#pass('end', args)
    const bytes = toBytes(args)
    if (bytes || isNoChunk(args)) this.#decide()
    if (this.#withheld && this.withholds) {
      this.#withheld.end(args)
      this.#giveBack()
      this.#observer.end(!hasLeft(this.#res))
      return this.#res
    }
    const ended = this.#pass('end', args)
    this.#head()
    this.#chunk(bytes)
    if (this.#isOpen()) {
      this.#release()
      onceSent(this.#res, (complete) => this.#observer.end(complete))
    }
    return ended
  }

  #flushHeaders(): void {
    if (!this.#below) this.#decide()
    if (!this.withholds) this.#pass('flushHeaders', [])
  }

  /** Who destroys a response of which nothing is out leaves it to the observer, where it likes. */
  #destroy(args: unknown[]): ServerResponse {
    const unsent = this.#phase === 'waiting' ? !this.#res.headersSent : this.withholds
    if (unsent && !this.#res.destroyed && !hasLeft(this.#res) && this.#rescue(args[0]))
      return this.#res
    return this.#pass('destroy', args)
  }

  #rescue(error: unknown): boolean {
    this.#giveBack()
    this.rescued = rescues(this.#observer, error)
    if (this.rescued) settle(this.#res)
    else this.#observer.end(false)
    return this.rescued
  }

  #chunk(bytes: Buffer | undefined): void {
    if (bytes && this.#isOpen() && hasBody(this.#res)) this.#observer.chunk(bytes)
  }

  #isOpen(): boolean {
    return this.#phase === 'open'
  }
}
