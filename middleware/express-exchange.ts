import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request } from 'express'
import { attach } from './attach.ts'
import type { Body, Exchange, Fields } from './exchange.ts'
import type { Answered } from './express-refresh.ts'
import { answerRaw, isWrapped } from './raw-answer.ts'
import { headOf, type ResponseHead } from './response-head.ts'

interface Visitor {
  user?: { id?: unknown }
  session?: { userId?: unknown }
}

/** What Express adds to Node's request, some of which others add as well. */
type Added = Partial<
  Pick<Request, 'app' | 'originalUrl' | 'protocol' | 'host' | 'hostname' | 'ip' | 'params'>
>

/** A request on Express, and on what hands on its middlewares. */
export class ExpressExchange implements Exchange<Request> {
  readonly native: Request
  readonly res: ServerResponse
  readonly #req: IncomingMessage & Added
  #head: ResponseHead | undefined

  constructor(req: Request, res: ServerResponse) {
    this.native = req
    this.res = res
    this.#req = req
  }

  get req(): Request {
    return this.native
  }

  get url(): string {
    return this.#req.originalUrl ?? this.#req.url ?? '/'
  }

  get target(): ServerResponse {
    return this.res
  }

  get path(): string {
    return (this.#req.url ?? '/').split('?', 1)[0] ?? '/'
  }

  get protocol(): string {
    const { protocol, socket } = this.#req
    return protocol ?? ('encrypted' in socket && socket.encrypted ? 'https' : 'http')
  }

  get host(): string {
    const { host, hostname = '', headers } = this.#req
    // Fastify gives the name that a trusted proxy vouches for, and leaves out the port.
    return host ?? `${hostname} ${headers[':authority'] ?? headers.host ?? ''}`.trim()
  }

  get ip(): string | undefined {
    return this.#req.ip ?? this.#req.socket.remoteAddress
  }

  get app(): unknown {
    return this.#req.app
  }

  get userId(): unknown {
    const { user, session } = this.native as Visitor
    return user?.id ?? session?.userId
  }

  get sessionParam(): string | undefined {
    const value = this.#req.params?.['sessionId']
    return Array.isArray(value) ? value.join('/') : value
  }

  /** The request as one that has been answered. */
  get answered(): Answered {
    return { req: this.native, res: this.res, head: this.#head ?? headOf(this.res) }
  }

  parsedBody(): unknown {
    return this.native.body
  }

  attach(name: string, read: () => unknown): void {
    attach(this.native, name, read)
  }

  /** Whoever has seen the request before can look at it later. */
  get isWatched(): boolean {
    return true
  }

  get showsBody(): boolean {
    return isWrapped(this.res)
  }

  keepHead(): void {
    this.#head ??= headOf(this.res)
  }

  answer(status: number, fields: Fields, body: Body | undefined): void {
    answerRaw(this.res, status, fields, body)
  }
}
