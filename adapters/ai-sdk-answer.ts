import type { UIMessage } from 'ai'
import { RequestError } from '../lib/errors.ts'
import type { StoredAnswer } from '../lib/history/answer-entries.ts'
import type { Memory } from '../lib/history/memory.ts'
import type { AnyMessage, StoredMessage } from '../lib/history/message.ts'
import type { ReplyTarget } from '../lib/history/reply-target.ts'
import type { Turn, TurnSource } from '../lib/history/turn.ts'
import { type ChatRequest, chatRequest } from './ai-sdk-request.ts'
import { hearing, isWaited, settled, told } from './ai-sdk-tools.ts'

/** What is to be answered. */
export interface AiSdkQuestion<Message extends UIMessage = UIMessage> {
  /** What a model is to see, for `convertToModelMessages()`; the question is its end. */
  readonly messages: Message[]
  /** What the application says, and the summary; not there where neither is. */
  readonly system?: string
  /** Aborted when somebody stops the turn: hand it on as `abortSignal`. */
  readonly signal: AbortSignal
  readonly turn: Turn
}

/** Asks a model; gives what `streamText()` gives, or any other source of a turn. */
export type AiSdkSource<Message extends UIMessage = UIMessage> = (
  question: AiSdkQuestion<Message>,
) => TurnSource | Promise<TurnSource>

/** Messages among which the one is that a browser goes on with. */
const latest = 50

/** Answers what `useChat` has sent. */
export async function answerChat<Message extends UIMessage>(
  memory: Memory,
  body: unknown,
  target: ReplyTarget,
  source: AiSdkSource<Message>,
): Promise<StoredAnswer | undefined> {
  const request = chatRequest(body)
  if (request.last.role === 'user') {
    const turn = await ask(memory, request)
    return turn.pipe(await sourceOf(turn, source), target, { as: 'ui' })
  }
  const answer = await goOn(memory, request)
  const turn = await memory.turn(answer as AnyMessage, { continues: true })
  const given = await sourceOf(turn, source)
  const heard = hearing(answer, given)
  // The browser goes on with the message it has, unless it has asked for another.
  const named = request.anew ? {} : { messageId: request.last.id }
  try {
    return await turn.pipe(heard.source, target, { as: 'ui', ...named })
  } finally {
    if (heard.outcomes.size > 0)
      await memory.update(answer.id, settled(answer, heard.outcomes) as AnyMessage)
  }
}

async function ask(memory: Memory, { last, anew }: ChatRequest): Promise<Turn> {
  if (anew) await memory.rewind(last.id).catch(unlessMissing)
  return memory.turn(last)
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof RequestError && error.status === 404)) throw error
}

/** The stored message that a browser goes on with, its calls with what they were waiting for. */
async function goOn(memory: Memory, { last, anew }: ChatRequest): Promise<StoredMessage> {
  const { items } = await memory.history({ limit: latest })
  const at = items.findLastIndex((message) => isWaited(message, last))
  const [found, after] = items.slice(at)
  if (at < 0 || found === undefined)
    throw new RequestError(409, 'No message of this conversation waits for what this one says')
  if (anew && after) await memory.rewind(after.id)
  const answer = told(found, last)
  if (answer !== found) await memory.update(found.id, answer as AnyMessage)
  return answer
}

/** Nothing where the answer is there, or another request gives it. */
async function sourceOf<Message extends UIMessage>(
  turn: Turn,
  source: AiSdkSource<Message>,
): Promise<TurnSource | undefined> {
  if (turn.replay || turn.joined) return undefined
  try {
    const { messages, system } = await turn.context({ as: 'ai-sdk' })
    return await source({
      messages: messages as unknown[] as Message[],
      ...(system !== undefined && { system }),
      signal: turn.signal,
      turn,
    })
  } catch (error) {
    await turn.abort(error)
    throw error
  }
}
