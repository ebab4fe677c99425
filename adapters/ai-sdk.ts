import { isDeepStrictEqual } from 'node:util'
import type { UIMessage } from 'ai'
import { UsageError } from '../lib/errors.ts'
import type { StoredAnswer } from '../lib/history/answer-entries.ts'
import type { Context } from '../lib/history/context.ts'
import { formatOf } from '../lib/history/formats/native.ts'
import { rendered } from '../lib/history/formats/rendered.ts'
import type { Shape } from '../lib/history/formats/shape.ts'
import type { ContextRequest, Memory } from '../lib/history/memory.ts'
import type { AnyMessage, StoredMessage } from '../lib/history/message.ts'
import type { ReplyTarget } from '../lib/history/reply-target.ts'
import { type AiSdkSource, answerChat } from './ai-sdk-answer.ts'
import { inRuns, newestMessages, toSource } from './stored-runs.ts'
import { usableId } from './usable-id.ts'

export type { AiSdkQuestion, AiSdkSource } from './ai-sdk-answer.ts'

/** A conversation as the AI SDK's user interface sees it. */
export interface AiSdkStore<Message extends UIMessage = UIMessage> {
  /**
   * All that is kept, or the newest `limit` messages: UI messages as they came, all else as one message
   * from one user's to the next. Hand it to `useChat({ messages })`.
   */
  load(options?: { limit?: number }): Promise<Message[]>
  /**
   * Keeps messages, such as `onFinish` of a UI message stream gives them: `onFinish: chat.save`. New
   * ones are appended, those that differ are put in the place of the stored ones; none is removed,
   * and none that stands before a stored one comes back. Hand in only what the server itself decided
   * on: `answer()` takes what a browser sends.
   *
   * @throws UsageError for a message without an id; RequestError 413 for one that is too large.
   */
  save(
    finished: { readonly messages: readonly Message[] } | { readonly message: Message },
  ): Promise<void>
  /** What to hand to a model, by `convertToModelMessages()`: as `memory.context({ as: 'ai-sdk' })`. */
  context(options?: ContextRequest): Promise<AiSdkContext<Message>>
  /**
   * Answers what `useChat` has sent: a question, one more try at an answer (`regenerate`), a question
   * that was edited, or the outputs and approvals of tools. Of all that a browser sends only the
   * user's message is taken, and of an assistant's message what its calls were waiting for.
   *
   * Streams, keeps and ends the turn as `turn.pipe()` does; `source` is asked only where there is
   * something to answer. To resume, `memory.resume(res, { as: 'ui' })`; to stop, `memory.stop()`.
   *
   * @throws RequestError 400 for what is no request of `useChat`; as `memory.turn()` and `turn.pipe()`.
   */
  answer(
    request: unknown,
    target: ReplyTarget,
    source: AiSdkSource<Message>,
  ): Promise<StoredAnswer | undefined>
}

/** What is handed to a model, in UI messages. */
export interface AiSdkContext<Message extends UIMessage = UIMessage>
  extends Omit<Context<'ai-sdk'>, 'messages'> {
  readonly messages: Message[]
}

/** Messages that others may have added since. */
const margin = 20

/** A conversation as the AI SDK's user interface sees it: what its documentation calls persistence. */
export function aiSdkStore<Message extends UIMessage = UIMessage>(
  memory: Memory,
): AiSdkStore<Message> {
  return {
    async load({ limit = Number.POSITIVE_INFINITY } = {}) {
      const enough = (messages: readonly StoredMessage[]) => messages.length >= limit
      const messages = await newestMessages(memory, Math.min(limit, longestFirst), enough)
      return inRuns(messages.slice(-limit), uiMessage, othersIn) as unknown[] as Message[]
    },
    save: (finished) =>
      save(memory, 'messages' in finished ? finished.messages : [finished.message]),
    context: async (options = {}) =>
      (await memory.context({ ...options, as: 'ai-sdk' })) as unknown as AiSdkContext<Message>,
    answer: (request, target, source) => answerChat(memory, request, target, source),
  }
}

const longestFirst = 1000

async function save(memory: Memory, given: readonly UIMessage[]): Promise<void> {
  const messages = given.map(plain)
  const ids = new Set(messages.map(({ id }) => id))
  const stored = await newestMessages(memory, messages.length + margin, (read) =>
    read.some(({ id }) => ids.has(id)),
  )
  const known = new Map(stored.map((message) => [message.id, message]))
  const changed = messages.flatMap((message) => {
    const old = known.get(message.id)
    const now = old && uiMessage(old)
    if (!old || !now || isDeepStrictEqual(now, message)) return []
    const { metadata: _, ...kept } = old as StoredMessage & { metadata?: unknown }
    const { parts, role: __, ...rest } = message
    return [{ ...kept, ...rest, content: parts } as unknown as AnyMessage & { id: string }]
  })
  for (const message of changed) await memory.update(message.id, message)
  // What is no longer there before one that is was trimmed or removed: it does not come back.
  const last = messages.findLastIndex(({ id }) => known.has(id))
  const added = messages.slice(last + 1)
  if (added.length > 0) await memory.append(added)
}

/** A message as it is read again: members that are not set have no form. */
function plain({ id, role, parts, metadata }: UIMessage): UIMessage {
  if (usableId(id).id === undefined)
    throw new UsageError(
      'A UI message needs an id to be kept: give the stream `originalMessages` and `generateMessageId`',
    )
  return JSON.parse(JSON.stringify({ id, role, metadata, parts }))
}

function uiMessage(message: StoredMessage): Shape | undefined {
  if (formatOf({ ...message }) !== 'ai-sdk') return undefined
  return toSource(message).message
}

function othersIn(run: readonly StoredMessage[]): readonly Shape[] {
  return rendered(run.map(toSource), 'ai-sdk')
}
