import { hash } from 'node:crypto'
import { UsageError } from '../errors.ts'
import type { Entry, NewEntry } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import {
  type AnyMessage,
  type MessageRules,
  type StoredMessage,
  toEntry,
  toMessage,
} from './message.ts'

/** Why an answer is not whole. `interrupted`: whoever gave it failed or died. */
export type AnswerStatus = 'interrupted' | 'aborted'

/** A stored message of an answer. */
export interface StoredAnswer extends StoredMessage {
  /** The id of the message that it answers. */
  readonly turn: string
}

/** Of which turn an answer is. */
export interface AnswerOf {
  /** The question's id, not encoded. */
  readonly question: string
  readonly token: string
  readonly status: AnswerStatus | undefined
}

// What was streamed has been seen: it is kept even where it is larger than a message may be.
const streamedBytes = 1024 * 1024

/**
 * The id of a turn's answer, a UUID. It is known from the beginning, so that an answer that is
 * stored twice, in part or whole, is one message.
 */
export function answerId(token: string, at = 0): string {
  const hex = hash('sha256', `answer ${at} ${token}`)
  const [a, b, c, d] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20)]
  return `${a}-${b}-8${c}-8${d}-${hex.slice(20, 32)}`
}

/**
 * What an answer is stored as.
 *
 * @throws UsageError for a message of a user or of the system; RequestError for one that cannot be kept.
 */
export function toAnswerEntries(
  replies: readonly AnyMessage[],
  of: AnswerOf,
  rules: MessageRules,
  codec: Codec,
): NewEntry[] {
  return replies.map((reply, at) => {
    const added = Object.assign({ defaultId: answerId(of.token, at) }, marksOf(of))
    const entry = toEntry(reply, rules, codec, added)
    if (entry.role !== 'a' && entry.role !== 't')
      throw new UsageError('An answer is of an assistant or a tool')
    return entry
  })
}

/** The entries of an answer that was streamed, which may be larger than other messages. */
export function toStreamedEntries(
  replies: readonly AnyMessage[],
  of: AnswerOf,
  rules: MessageRules,
  codec: Codec,
): NewEntry[] {
  const maxBytes = Math.max(rules.maxBytes, streamedBytes)
  return replies.map((reply, at) =>
    // Whatever id its provider gave it: what is saved of it half way has only this one.
    toEntry(reply, { ...rules, maxBytes }, codec, { id: answerId(of.token, at), ...marksOf(of) }),
  )
}

function marksOf({ question, status }: AnswerOf): Pick<StoredAnswer, 'turn' | 'status'> {
  return status === undefined ? { turn: question } : { turn: question, status }
}

/** The messages of these entries. */
export function toAnswer(entries: readonly (Entry | NewEntry)[], codec: Codec): StoredAnswer[] {
  return entries.map((entry) => toMessage(entry, codec) as StoredAnswer)
}
