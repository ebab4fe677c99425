import type { Context } from 'koa'
import { attach } from './attach.ts'
import type { Body, Exchange, Fields } from './exchange.ts'
import { ContextState } from './koa-state.ts'
import { answerRaw } from './raw-answer.ts'

interface Visitor {
  state: { user?: { id?: unknown } }
  session?: { userId?: unknown } | null
  params?: Record<string, string | undefined>
  request: { body?: unknown }
}

/** A request on Koa. */
export class KoaExchange implements Exchange<Context> {
  readonly native: Context
  #before: ContextState | undefined

  constructor(ctx: Context) {
    this.native = ctx
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
    return this.native.protocol
  }

  get host(): string {
    return this.native.host
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

  /** Middlewares outside find it on the context. */
  get showsBody(): boolean {
    return true
  }

  keepHead(): void {
    this.#before ??= new ContextState(this.native)
  }

  answer(status: number, fields: Fields, body: Body | undefined): void {
    // Koa sends nothing for who has taken the raw response.
    if (this.native.respond === false) {
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
}
