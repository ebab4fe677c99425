import type { ServerResponse } from 'node:http'
import { hasBody, toBytes } from './written-body.ts'

/**
 * A response that its handler writes and its client does not get. To who writes it, it looks as if
 * its head were out; 1xx go out as ever.
 */
export class Withheld {
  readonly #res: ServerResponse
  readonly #chunk: (bytes: Buffer) => void

  constructor(res: ServerResponse, chunk: (bytes: Buffer) => void) {
    this.#res = res
    this.#chunk = chunk
    Object.defineProperty(res, 'headersSent', { value: true, configurable: true, writable: true })
  }

  /** There is a head already: `node:http` refuses another. */
  writeHead(): never {
    const refused = new Error('Cannot write headers after they are sent to the client')
    throw Object.assign(refused, { code: 'ERR_HTTP_HEADERS_SENT' })
  }

  /** Takes a piece, as `write` does; nobody ever has to wait. */
  write(args: readonly unknown[]): boolean {
    this.#take(args)
    const done = callbackOf(args)
    if (done) process.nextTick(done)
    return true
  }

  /** Takes the last piece. The callback of `end` is called when the answer that goes out is out. */
  end(args: readonly unknown[]): void {
    this.#take(args)
    const done = callbackOf(args)
    if (done) this.#res.once('finish', done)
  }

  /** Lets the response look as it is. */
  release(): void {
    Reflect.deleteProperty(this.#res, 'headersSent')
  }

  #take(args: readonly unknown[]): void {
    const bytes = toBytes(args)
    if (bytes && bytes.length > 0 && hasBody(this.#res)) this.#chunk(bytes)
  }
}

function callbackOf(args: readonly unknown[]): (() => void) | undefined {
  const last = args.findLast((each) => typeof each === 'function')
  return last as (() => void) | undefined
}
