import type { StoredMessage } from 'memoryware'
import { type Source, sourcesOf } from './answer.ts'
import type { PastTurn } from './condense.ts'
import type { Library } from './library.ts'

/** What the middlewares did on one turn, as the page shows it. */
export interface Trace {
  readonly memory: {
    readonly provider: string
    /** Messages handed over as context. */
    readonly messages: number
    /** Turns that were needed to understand this one. */
    readonly turnsUsed: number
    readonly standalone: string
    readonly degraded: boolean
  }
  readonly cache: { readonly status: string; readonly ageSeconds: number; readonly ttl: string }
  readonly limit: {
    readonly limit: number
    readonly remaining: number
    /** Seconds. */
    readonly reset: number
    readonly degraded: boolean
  }
  readonly ms: { readonly memory: number; readonly answer: number; readonly total: number }
}

/** A reply as it is kept: a message with what the page shows beside it. */
export interface Reply {
  readonly id: string
  readonly role: 'assistant'
  readonly content: string
  /** Passages by id, in the order they are cited. */
  readonly sources: readonly string[]
  readonly trace: Trace
}

/** A message as the page reads it. */
export interface ShownMessage {
  readonly id: string
  readonly role: string
  readonly text: string
  readonly sources: readonly Source[]
  readonly trace: Trace | undefined
}

/** The id of the reply to a message: a repeated request finds the reply of the first. */
export function replyIdOf(messageId: string): string {
  return `${messageId}.reply`
}

/** Messages for the page, their sources looked up again. */
export function shown(messages: readonly StoredMessage[], library: Library): ShownMessage[] {
  return messages.map((message) => {
    const { sources = [], trace } = message as Partial<Reply>
    const passages = sources.flatMap((id) => library.passage(id) ?? [])
    const { id, role } = message
    return { id, role, text: textOf(message), sources: sourcesOf(passages), trace }
  })
}

/** Questions and where their answers came from, for understanding the next one. */
export function pastTurns(messages: readonly StoredMessage[], library: Library): PastTurn[] {
  return messages
    .filter(({ role }) => role === 'user')
    .map((asked) => {
      const reply = messages.find(({ id }) => id === replyIdOf(asked.id)) as
        | Partial<Reply>
        | undefined
      const heading = library.passage(reply?.sources?.[0] ?? '')?.heading
      return { text: textOf(asked), heading }
    })
}

// This demo stores text only.
function textOf({ content }: StoredMessage): string {
  return typeof content === 'string' ? content : ''
}
