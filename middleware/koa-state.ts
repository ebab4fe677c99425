import type { Context } from 'koa'
import { isStream } from './koa-body.ts'
import { headOf, type ResponseHead, takeBack } from './response-head.ts'

/** What Koa keeps of an answer until it sends it. */
interface Kept {
  readonly _body?: unknown
  readonly _explicitStatus?: boolean
  readonly _explicitNullBody?: boolean
}

/** The answer as it stands on a context at a moment. */
export class ContextState {
  readonly head: ResponseHead
  readonly #kept: Kept
  readonly #respond: boolean | undefined

  constructor(ctx: Context) {
    this.head = headOf(ctx.res)
    const { _body, _explicitStatus, _explicitNullBody } = ctx.response as Kept
    this.#kept = { _body, _explicitStatus, _explicitNullBody } as Kept
    this.#respond = ctx.respond
  }

  /** Gives the context what stood there at that moment. Cookies set since are kept. */
  takeBack(ctx: Context): void {
    this.put(ctx)
    takeBack(ctx.res, this.head)
  }

  /** Gives the context all that does not stand on the response of Node. */
  put(ctx: Context): void {
    Object.assign(ctx.response, this.#kept)
    Object.assign(ctx, { respond: this.#respond })
  }

  /** Destroys a stream that nobody will read, unless it was the body then as well. */
  discardBody(before: ContextState): void {
    if (this.#kept._body !== before.#kept._body) discard(this.#kept._body)
  }
}

/** Destroys a body that is a stream. What fails in it is nobody's failure any more. */
export function discard(body: unknown): void {
  if (!isStream(body)) return
  body.removeAllListeners('error').on('error', () => undefined)
  if (typeof body.destroy === 'function') body.destroy()
}
