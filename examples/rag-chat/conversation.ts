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
  /** Not known of an answer that was stopped before it was whole. */
  readonly cache?: { readonly status: string; readonly ageSeconds: number; readonly ttl: string }
  readonly limit: {
    readonly limit: number
    readonly remaining: number
    /** Seconds. */
    readonly reset: number
    readonly degraded: boolean
  }
  /** Until the answer was there; how long it took to say is not counted. */
  readonly ms?: { readonly memory: number; readonly answer: number; readonly total: number }
}

/** A message as the page reads it. */
export interface ShownMessage {
  readonly id: string
  readonly role: string
  readonly text: string
  readonly sources: readonly Source[]
  readonly trace: Trace | undefined
  /** Set where an answer is not whole: it was stopped, or whoever gave it failed. */
  readonly status: 'aborted' | 'interrupted' | undefined
}

/** Messages for the page, their sources looked up again. */
export function shown(messages: readonly StoredMessage[], library: Library): ShownMessage[] {
  return messages.map((message) => {
    const passages = citedBy(message).flatMap((id) => library.passage(id) ?? [])
    const trace = partOf(message, 'data-trace') as Trace | undefined
    const { id, role, status } = message
    return { id, role, text: textOf(message), sources: sourcesOf(passages), trace, status }
  })
}

/** Questions and where their answers came from, for understanding the next one. */
export function pastTurns(messages: readonly StoredMessage[], library: Library): PastTurn[] {
  return messages
    .filter(({ role }) => role === 'user')
    .map((asked) => {
      const reply = messages.find(({ turn }) => turn === asked.id)
      const heading = reply && library.passage(citedBy(reply)[0] ?? '')?.heading
      return { text: textOf(asked), heading }
    })
}

/** Ids of the passages an answer rests on, in the order they are cited. */
function citedBy(message: StoredMessage): readonly string[] {
  const ids = partOf(message, 'data-cited')
  return Array.isArray(ids) ? ids.map(String) : []
}

function partOf(message: StoredMessage, type: string): unknown {
  return partsOf(message).find((part) => part.type === type)?.data
}

// A question is text; an answer has text among its parts.
function textOf(message: StoredMessage): string {
  if (typeof message.content === 'string') return message.content
  return partsOf(message)
    .map(({ text }) => text ?? '')
    .join('')
}

interface Part {
  readonly type: string
  readonly text?: string
  readonly data?: unknown
}

function partsOf({ content }: StoredMessage): readonly Part[] {
  return Array.isArray(content) ? content : []
}
