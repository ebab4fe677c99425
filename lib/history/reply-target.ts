import { UsageError } from '../errors.ts'
import { createPulse } from '../pulse.ts'
import type { Chunk } from './stream/chunk.ts'
import { eventId } from './stream/event-id.ts'
import {
  type EndStatus,
  type StreamForm,
  type StreamWriter,
  streamWriter,
} from './stream/writer.ts'

/** What an answer needs of Node's `ServerResponse`. */
export interface NodeReply {
  statusCode: number
  readonly headersSent: boolean
  readonly destroyed: boolean
  readonly writableEnded: boolean
  readonly writableLength: number
  setHeader(name: string, value: string): unknown
  write(text: string): boolean
  end(text?: string): unknown
  destroy(): unknown
  once(event: 'close' | 'drain', listener: () => void): unknown
  /** Sends the fields before there is a body. */
  flushHeaders?(): void
  /** Where a compressing middleware holds back what is written. */
  flush?(): void
}

/** What an answer needs of Koa's `ctx`. */
export interface KoaReply {
  readonly res: NodeReply
  respond?: boolean | undefined
}

/** Where an answer goes: Express's `res`, Koa's `ctx`, Node's `ServerResponse`. */
export type ReplyTarget = NodeReply | KoaReply

/** One answer on its way to one client. */
export interface Reply {
  piece(chunk: Chunk, number: number | undefined): void
  /** Fulfilled once all is handed to the system, or the client has gone. */
  end(status: EndStatus): Promise<void>
  /** The client is there and keeps up. */
  readonly open: boolean
  /** More is written than the system has taken yet. */
  readonly behind: boolean
  /** What to wait for where so much is written that the system should have its turn to take it. */
  room(): Promise<void> | undefined
  /** Fulfilled once the system has taken all that is written, or the client has gone. */
  drained(): Promise<void>
  /** Fulfilled once nothing more can be sent. */
  readonly closed: Promise<void>
}

const mostUnsentBytes = 1024 * 1024
const silentMs = 15_000

const silences = createPulse<Client>(1000, (client, now) => client.beat(now))

/** Which answer it is. */
export interface ReplyInfo {
  readonly messageId: string
  /** The question's id, and its encoded form. */
  readonly question: string
  readonly turn: string
  /** Number of the last piece that the client has already. */
  readonly seen: number
}

/**
 * Begins an answer. Fields that stand on the response stay; a client that goes, or does not keep
 * up, is written to no more.
 *
 * @throws UsageError for what is no response, or one that has begun already.
 */
export function openReply(target: ReplyTarget, form: StreamForm, info: ReplyInfo): Reply {
  const res = responseOf(target)
  const writer = streamWriter(form)
  for (const [name, value] of Object.entries(writer.headers)) res.setHeader(name, value)
  const client = new Client(res, writer, { ...info, numbered: form !== 'text' })
  res.flushHeaders?.()
  client.begin(writer.head({ messageId: info.messageId, turn: info.question }))
  return client
}

function responseOf(target: ReplyTarget): NodeReply {
  const res = 'res' in target && 'setHeader' in target.res ? target.res : (target as NodeReply)
  if (typeof res?.setHeader !== 'function' || typeof res.write !== 'function')
    throw new UsageError("An answer goes to Express's res, Koa's ctx or Node's ServerResponse")
  if (res.headersSent) throw new UsageError('The response has begun already')
  if (res !== target) {
    const ctx = target as KoaReply
    ctx.respond = false
    // Koa's own status until somebody sets one.
    if (res.statusCode === 404) res.statusCode = 200
  }
  return res
}

class Client implements Reply {
  readonly #res: NodeReply
  readonly #writer: StreamWriter
  readonly #info: ReplyInfo & { readonly numbered: boolean }
  readonly closed: Promise<void>
  readonly #silence = silences.of(this)
  #wroteAt = performance.now()
  #last: number | undefined
  #draining: Promise<void> | undefined

  constructor(
    res: NodeReply,
    writer: StreamWriter,
    info: ReplyInfo & { readonly numbered: boolean },
  ) {
    this.#res = res
    this.#writer = writer
    this.#info = info
    this.#last = info.seen
    this.closed = new Promise((resolve) => {
      if (this.open) res.once('close', resolve)
      else resolve()
    })
  }

  get open(): boolean {
    return !this.#res.destroyed && !this.#res.writableEnded
  }

  begin(head: string): void {
    this.write(head)
    this.#silence.begin()
  }

  piece(chunk: Chunk, number: number | undefined): void {
    this.#last = number
    this.write(this.#writer.piece(chunk, this.#id(number)))
  }

  async end(status: EndStatus): Promise<void> {
    this.#silence.end()
    if (!this.open) return
    const text = this.#writer.end(status, this.#info.messageId)
    // With the last number passed, whoever comes again has seen the end.
    const last = this.#last === undefined ? undefined : this.#last + 1
    this.#res.end(this.#info.numbered ? `id: ${this.#id(last)}\n${text}` : text)
    await this.closed
  }

  get behind(): boolean {
    return this.#draining !== undefined
  }

  room(): Promise<void> | undefined {
    const crowded = this.behind && this.#res.writableLength > mostUnsentBytes / 4
    return crowded ? new Promise(setImmediate) : undefined
  }

  async drained(): Promise<void> {
    if (this.#draining) await Promise.race([this.#draining, this.closed])
  }

  write(text: string): void {
    if (text === '' || !this.open) return
    // It can come again and go on from where it was. One piece may be larger than that.
    if (this.#res.writableLength > mostUnsentBytes) {
      this.#res.destroy()
      return
    }
    this.#wroteAt = performance.now()
    const taken = this.#res.write(text)
    this.#res.flush?.()
    if (!taken) this.#draining ??= this.#drain()
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#res.once('drain', () => {
        this.#draining = undefined
        resolve()
      })
    })
  }

  beat(now: number): void {
    if (!this.open) this.#silence.end()
    else if (now - this.#wroteAt >= silentMs) this.write(this.#writer.comment())
  }

  /** Without a number there is nothing to resume from. */
  #id(number: number | undefined): string {
    return number === undefined ? '' : eventId({ turn: this.#info.turn, number })
  }
}
