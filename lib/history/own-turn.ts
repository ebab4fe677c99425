import { StoreError, UsageError } from '../errors.ts'
import type { NewEntry } from '../ports/history.ts'
import {
  type AnswerStatus,
  answerId,
  type StoredAnswer,
  toAnswer,
  toAnswerEntries,
  toStreamedEntries,
} from './answer-entries.ts'
import { detachable } from './detachable.ts'
import type { AnyMessage } from './message.ts'
import { decodeMessageId } from './message-id.ts'
import type { OwnTurnParts } from './own-turn-parts.ts'
import type { RelayOptions } from './relay.ts'
import { openReply, type Reply, type ReplyTarget } from './reply-target.ts'
import { readSource } from './source-reader.ts'
import type { Chunk } from './stream/chunk.ts'
import { type AnswerReader, answerReader } from './stream/source.ts'
import type { EndStatus } from './stream/writer.ts'
import type { Turn, TurnSource } from './turn.ts'
import { gone, type Keeping } from './turn-keeping.ts'

/** A turn that this process answers. */
export class OwnTurn implements Turn {
  readonly id: string
  readonly replay = undefined
  readonly replies: readonly StoredAnswer[] = []
  readonly joined = false
  readonly context: Turn['context']
  degraded: boolean
  readonly #answer: Promise<StoredAnswer | undefined>
  readonly #parts: OwnTurnParts
  readonly #keeping: Keeping
  // Whoever commits a whole answer needs neither.
  #lazyReader: AnswerReader | undefined
  #lazyController: AbortController | undefined
  #stopped: { readonly reason: unknown } | undefined
  /** What was written before there was a client to write it to. */
  #early: [Chunk, number][] = []
  #client: Reply | undefined
  #piping: Promise<StoredAnswer | undefined> | undefined
  #over = false
  #answered: (answer: Promise<StoredAnswer | undefined>) => void = () => {}

  constructor(parts: OwnTurnParts) {
    this.#parts = parts
    this.id = decodeMessageId(parts.hold.turn)
    this.context = parts.context
    this.degraded = parts.degraded
    this.#answer = new Promise((resolve) => {
      this.#answered = resolve
    })
    // Whoever asks for it hears of a failure; nobody has to ask.
    this.#answer.catch(() => {})
    this.#keeping = parts.keep({
      stop: () => this.#stop(new DOMException('The turn was stopped', 'AbortError')),
      lost: () => this.#stop(gone()),
      degraded: () => {
        this.degraded = true
        parts.conversation.scope.degraded = true
      },
    })
    this.#link(parts.signal)
  }

  #link(signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    const stop = () => this.#stop(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    const unlink = () => signal.removeEventListener('abort', stop)
    this.#answer.then(unlink, unlink)
  }

  get signal(): AbortSignal {
    this.#lazyController ??= new AbortController()
    if (this.#stopped) this.#lazyController.abort(this.#stopped.reason)
    return this.#lazyController.signal
  }

  get #reader(): AnswerReader {
    this.#lazyReader ??= answerReader()
    return this.#lazyReader
  }

  reply(): Promise<StoredAnswer | undefined> {
    return this.#answer
  }

  write(delta: string | Chunk): void {
    // Whoever was stopped need not know it yet.
    if (this.#over && this.#stopped) return
    this.#checkNotOver()
    for (const chunk of this.#reader.push(delta)) this.#emit(chunk)
  }

  async pipe(
    source: TurnSource | undefined,
    target: ReplyTarget,
    { as = 'sse', messageId }: RelayOptions = {},
  ): Promise<StoredAnswer | undefined> {
    this.#checkOpen()
    if (source === undefined) throw new UsageError('A turn that nobody answers needs a source')
    const { hold } = this.#parts
    const named = messageId ?? answerId(hold.token)
    const info = { messageId: named, question: this.id, turn: hold.turn, seen: 0 }
    const client = openReply(target, as, info)
    this.#piping = this.#pipe(source, client)
    return this.#piping
  }

  async commit(reply?: AnyMessage | readonly AnyMessage[]): Promise<StoredAnswer | undefined> {
    this.#checkOpen()
    if (reply !== undefined) {
      const replies = Array.isArray(reply) ? reply : [reply as AnyMessage]
      return this.#settle(this.#entriesOf(replies))
    }
    for (const chunk of this.#reader.end()) this.#emit(chunk)
    return this.#settle(this.#written(this.#stopped ? 'aborted' : undefined))
  }

  async abort(reason?: unknown): Promise<StoredAnswer | undefined> {
    if (!this.#piping) this.#checkOpen()
    this.#stop(reason ?? new DOMException('The turn was aborted', 'AbortError'))
    // The pipe ends it, and tells its client.
    return this.#piping ?? this.#settleWith(() => this.#written('aborted'))
  }

  async #pipe(source: TurnSource, client: Reply): Promise<StoredAnswer | undefined> {
    // What is written meanwhile follows.
    for (const [chunk, number] of this.#early) {
      client.piece(chunk, number)
      await (this.#keeping.room() ?? client.room())
    }
    this.#early = []
    this.#client = client
    const read = await readSource(source, {
      reader: this.#reader,
      signal: this.signal,
      emit: (chunk) => this.#emit(chunk),
      rest: () => this.#keeping.room() ?? client.room(),
    })
    const failure = read.kind === 'failed' ? [read.error] : []
    let end: EndStatus = ends[read.kind]
    let stored: StoredAnswer | undefined
    try {
      stored = await this.#settleWith(() => this.#written(statuses[read.kind]))
    } catch (error) {
      failure.push(error)
      end = 'failed'
      this.#piping = undefined
    }
    const sent = client.end(end)
    if (failure.length === 0) return stored
    // A framework that hears of a failure may cut the connection.
    await sent
    throw failure[0]
  }

  /** An answer that cannot be stored ends its turn without one. */
  async #settleWith(written: () => NewEntry[]): Promise<StoredAnswer | undefined> {
    let entries: NewEntry[]
    try {
      entries = written()
    } catch (error) {
      await this.#settle([])
      throw error
    }
    return this.#settle(entries)
  }

  #emit(chunk: Chunk): void {
    const number = this.#keeping.push(chunk)
    if (this.#client) this.#client.piece(chunk, number)
    else this.#early.push([chunk, number])
  }

  #written(status: AnswerStatus | undefined): NewEntry[] {
    const { rules, scope } = this.#parts.conversation
    return toStreamedEntries(
      this.#reader.reply() as readonly AnyMessage[],
      this.#of(status),
      rules,
      scope.codec,
    )
  }

  #entriesOf(replies: readonly AnyMessage[]): NewEntry[] {
    const { rules, scope } = this.#parts.conversation
    return toAnswerEntries(replies, this.#of(undefined), rules, scope.codec)
  }

  #of(status: AnswerStatus | undefined) {
    return { question: this.id, token: this.#parts.hold.token, status }
  }

  async #settle(entries: readonly NewEntry[]): Promise<StoredAnswer | undefined> {
    this.#over = true
    try {
      await this.#keeping.end(entries)
    } catch (error) {
      // The store may be back in a moment, and the end may be tried again; nobody has to.
      if (!(error instanceof StoreError && error.reason === 'conflict')) {
        this.#over = false
        this.#keeping.release()
      } else this.#close(Promise.reject(error))
      throw error
    }
    const [answer] = toAnswer(entries.slice(-1), this.#parts.conversation.scope.codec)
    this.#close(Promise.resolve(answer))
    return answer
  }

  #close(answer: Promise<StoredAnswer | undefined>): void {
    this.#keeping.close()
    this.#answered(answer)
  }

  #stop(reason: unknown): void {
    if (this.#over || this.#stopped) return
    this.#stopped = { reason }
    this.#lazyController?.abort(reason)
  }

  #checkOpen(): void {
    this.#checkNotOver()
    if (this.#piping) throw new UsageError('The turn is being piped, and ends with that')
  }

  #checkNotOver(): void {
    if (this.#over) throw new UsageError('The turn has ended: pipe, commit or abort it once')
  }
}

detachable(OwnTurn)

const statuses = { complete: undefined, stopped: 'aborted', failed: 'interrupted' } as const
const ends = { complete: 'complete', stopped: 'aborted', failed: 'failed' } as const
