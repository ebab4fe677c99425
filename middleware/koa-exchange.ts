import type { Context, Middleware } from 'koa'
import { attach } from './attach.ts'
import type { Body, Exchange, Fields } from './exchange.ts'
import { hostOf, protocolOf } from './koa-origin.ts'
import { isOutermost } from './koa-place.ts'
import { ContextState } from './koa-state.ts'
import { answerRaw, isWrapped } from './raw-answer.ts'

interface Visitor {
  state: { user?: { id?: unknown } }
  session?: { userId?: unknown } | null
  params?: Record<string, string | undefined>
  request: { body?: unknown }
}

/** What Koa sends without a body, and without the fields that tell of one. */
const bodiless = new Set([204, 205, 304])

/** A request on Koa. */
export class KoaExchange implements Exchange<Context> {
  readonly native: Context
  readonly #middleware: Middleware
  #before: ContextState | undefined

  /** The middleware of ours that the request has come to. */
  constructor(ctx: Context, middleware: Middleware) {
    this.native = ctx
    this.#middleware = middleware
  }

  /** What stood there before it was answered. */
  get before(): ContextState {
    return this.#before ?? new ContextState(this.native)
  }

  get req(): Context['req'] {
    return this.native.req
  }

  get res(): Context['res'] {
    return this.native.res
  }

  get url(): string {
    return this.native.originalUrl
  }

  get target(): Context {
    return this.native
  }

  get path(): string {
    try {
      return this.native.path
    } catch {
      // Koa parses the target, and not everything that Node lets in is a URL: `http://[::/`.
      return this.native.url.split('?', 1)[0] ?? '/'
    }
  }

  get protocol(): string {
    return protocolOf(this.native)
  }

  get host(): string {
    return hostOf(this.native)
  }

  get ip(): string | undefined {
    return this.native.ip || undefined
  }

  get app(): unknown {
    return this.native.app
  }

  get userId(): unknown {
    const { state, session } = this.native as Visitor
    return state.user?.id ?? session?.userId
  }

  get sessionParam(): string | undefined {
    return (this.native as Visitor).params?.['sessionId']
  }

  parsedBody(): unknown {
    return (this.native as Visitor).request.body
  }

  attach(name: string, read: () => unknown): void {
    attach(this.native, name, read)
  }

  /** Whoever stands outside has the context. */
  get isWatched(): boolean {
    return !isOutermost(this.native, this.#middleware)
  }

  /** Middlewares outside find it on the context, and who has wrapped the response is given it. */
  get showsBody(): boolean {
    return this.isWatched || isWrapped(this.res)
  }

  keepHead(): void {
    this.#before ??= new ContextState(this.native)
  }

  answer(status: number, fields: Fields, body: Body | undefined): void {
    // Koa sends nothing for who has taken the raw response, and as nobody
    // stands outside, what it would do then is not worth what it takes.
    if (this.native.respond === false || this.#goesPastKoa(status, body)) {
      this.native.respond = false
      answerRaw(this.res, status, fields, body)
      return
    }
    const { res } = this
    this.native.status = status
    // Koa counts the bytes of a body itself.
    const counted = Buffer.isBuffer(body)
    for (const name in fields) {
      if (counted && name === 'content-length') continue
      res.setHeader(name, fields[name] as string | readonly string[])
    }
    if (body !== undefined) this.native.body = body
  }

  /** Text and bytes that nobody but the client gets to see. What has no body, Koa gives its fields. */
  #goesPastKoa(status: number, body: Body | undefined): boolean {
    if (typeof body !== 'string' && !Buffer.isBuffer(body)) return false
    if (bodiless.has(status) || this.req.method === 'HEAD') return false
    return this.#before === undefined && !this.showsBody
  }
}
