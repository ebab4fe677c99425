import type { RoleLetter } from '../../ports/history.ts'
import type { Packed } from './packed.ts'
import type { Answer } from './trim.ts'

/** A message as it is kept. */
export interface KeptMessage {
  readonly seq: number
  readonly id: string
  readonly role: RoleLetter
  readonly tokens: number
  readonly packed: Packed
  /** Of a question that a turn has answered. */
  readonly answer?: Answer | undefined
}

type Chunk = readonly KeptMessage[]

const chunkLength = 64

// Object, array slot and place of a message, on Node 20.
const messageBytes = 160

/**
 * The messages of a session, oldest first; each stands at the position after the one before it.
 *
 * They never change: what is added or replaced makes another list, which shares all chunks but one
 * with this one, so that it takes no longer in a long conversation than in a short one.
 */
export class Messages {
  readonly length: number
  /** Of all of them. */
  readonly tokens: number
  /** Estimated, of all of them. */
  readonly bytes: number
  /** All but the last hold as many as a chunk can. */
  readonly #chunks: readonly Chunk[]
  /** Positions by id, in all lists that have come from one another: only a hint for each of them. */
  readonly #hints: Map<string, number>

  private constructor(
    chunks: readonly Chunk[],
    hints: Map<string, number>,
    totals: Pick<Messages, 'length' | 'tokens' | 'bytes'>,
  ) {
    this.#chunks = chunks
    this.#hints = hints
    this.length = totals.length
    this.tokens = totals.tokens
    this.bytes = totals.bytes
  }

  /** A list of these, which stand at positions that follow on each other. */
  static of(messages: readonly KeptMessage[]): Messages {
    return new Messages([], new Map(), { length: 0, tokens: 0, bytes: 0 }).with(messages)
  }

  /** This list, and these behind it. */
  with(added: readonly KeptMessage[]): Messages {
    const whole = Math.floor(this.length / chunkLength)
    const chunks = this.#chunks.slice(0, whole)
    const rest = [...(this.#chunks[whole] ?? []), ...added]
    for (let at = 0; at < rest.length; at += chunkLength)
      chunks.push(rest.slice(at, at + chunkLength))
    const next = new Messages(chunks, this.#hints, {
      length: this.length + added.length,
      tokens: added.reduce((sum, { tokens }) => sum + tokens, this.tokens),
      bytes: added.reduce((sum, message) => sum + messageSize(message), this.bytes),
    })
    for (const { id, seq } of added) this.#hints.set(id, seq)
    // Of lists that nobody has kept there are hints as well.
    return this.#hints.size > 2 * next.length + chunkLength ? Messages.of(next.all()) : next
  }

  /** This list, with another message in the place of the one at the same position. */
  replaced(message: KeptMessage): Messages {
    const old = this.#at(message.seq)
    if (old === undefined) return this
    const place = message.seq - this.first
    const at = Math.floor(place / chunkLength)
    const chunk = this.#chunks[at]?.with(place % chunkLength, message) ?? []
    return new Messages(this.#chunks.with(at, chunk), this.#hints, {
      length: this.length,
      tokens: this.tokens - old.tokens + message.tokens,
      bytes: this.bytes - messageSize(old) + messageSize(message),
    })
  }

  /** Position of the oldest; 1 where there is none. */
  get first(): number {
    return this.#chunks[0]?.[0]?.seq ?? 1
  }

  /** The message with this id. */
  find(id: string): KeptMessage | undefined {
    const message = this.#at(this.#hints.get(id) ?? 0)
    return message?.id === id ? message : undefined
  }

  /** The newest `limit` messages before a position. */
  page(limit: number, before: number): KeptMessage[] {
    const end = Math.max(0, Math.min(this.length, before - this.first))
    const page: KeptMessage[] = []
    for (let place = Math.max(0, end - limit); place < end; place += 1)
      page.push(this.#at(this.first + place) as KeptMessage)
    return page
  }

  /** All of them, as an array. */
  all(): KeptMessage[] {
    return this.#chunks.flat()
  }

  #at(seq: number): KeptMessage | undefined {
    const place = seq - this.first
    return this.#chunks[Math.floor(place / chunkLength)]?.[place % chunkLength]
  }
}

/** What a message takes, roughly. */
export function messageSize({ id, packed }: KeptMessage): number {
  return messageBytes + id.length + packed.length
}
