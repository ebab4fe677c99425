import { RequestError, UsageError } from '../errors.ts'
import type { NewEntry, ReadResult, TurnRecord } from '../ports/history.ts'
import { type StoredAnswer, toAnswer } from './answer-entries.ts'
import { boundsOf, titleOf } from './bounds.ts'
import { isShape, without } from './formats/shape.ts'
import type { Memory } from './memory.ts'
import { type AnyMessage, toEntry } from './message.ts'
import { decodeMessageId, encodeMessageId } from './message-id.ts'
import { OwnTurn } from './own-turn.ts'
import { joinTurn, type RelayOptions, replayTurn, resumeTurn } from './relay.ts'
import type { ReplyTarget } from './reply-target.ts'
import type { Turn } from './turn.ts'
import { keepAway, keepInStore } from './turn-keeping.ts'
import { type Conversation, type Started, startTurn } from './turn-start.ts'

/** How a turn begins. */
export interface TurnOptions {
  /** Stops the turn. */
  readonly signal?: AbortSignal
  /**
   * Goes on with an answer instead: `input` is a stored message of the assistant, whose calls a client
   * has carried out meanwhile. Never hand in one that a client has sent. @default false
   */
  readonly continues?: boolean
}

/** The turns of one conversation. */
export interface ConversationTurns {
  /**
   * Stores a user's message and takes the turn to answer it, in one round trip that also reads the
   * context. While another turn runs it waits for up to 30 seconds, or as the option `turns` says.
   * An id that was asked before gives the stored answer, or joins the request that answers it.
   *
   * @throws RequestError 400 for a message that is not a user's, 409 for an id of another question;
   * BusyError 409 where another turn runs on.
   */
  turn(input: AnyMessage, options?: TurnOptions): Promise<Turn>
  /**
   * Sends the answer that is being given, whichever process gives it, from the piece after
   * `lastEventId`. False, and nothing is sent, when there is nothing to resume: answer 204 then.
   */
  resume(
    target: ReplyTarget,
    options?: RelayOptions & { lastEventId?: string | undefined },
  ): Promise<boolean>
  /**
   * Stops the answer that is being given, in whichever process; with the id of a message, only the
   * answer to that one. False when none is.
   */
  stop(message?: string): Promise<boolean>
}

/** Makes the turns of a conversation; `contextFrom` makes a context of what the beginning read. */
export function conversationTurns(
  conversation: Conversation,
  contextFrom: (read: ReadResult | undefined) => Memory['context'],
): ConversationTurns {
  const { rules, scope, keys } = conversation
  return {
    async turn(input, { signal, continues = false } = {}) {
      const question = toEntry(continues ? input : asSaid(input), rules, scope.codec)
      const role = continues ? 'assistant' : 'user'
      if (question.role !== role[0])
        throw new RequestError(400, `A turn begins with a message of the role '${role}'`)
      const title = titleOf([input], [question])
      const size = { bounds: boundsOf(rules, scope.codec, title), limit: rules.window.messages }
      const started = await startTurn(conversation, question, size, signal)
      const turn = turnOf(conversation, question, started, { signal, contextFrom })
      if (started.kind === 'own' || started.kind === 'away') scope.began?.(turn)
      return turn
    },
    resume: async (target, options = {}) => resumeTurn(conversation, target, options),
    stop: async (message) => {
      const call = { deadline: scope.deadline }
      const turn = message === undefined ? undefined : encodeMessageId(message)
      return (await rules.turns.stop(keys, turn, call)).length > 0
    },
  }
}

/** What only adapters may put on a message is not for a client to say. */
function asSaid(input: AnyMessage): AnyMessage {
  if (!isShape(input) || !Object.hasOwn(input, 'original')) return input
  return without(input, 'original') as unknown as AnyMessage
}

interface Rest {
  readonly signal: AbortSignal | undefined
  readonly contextFrom: (read: ReadResult | undefined) => Memory['context']
}

function turnOf(
  conversation: Conversation,
  question: NewEntry,
  started: Started,
  { signal, contextFrom }: Rest,
): Turn {
  switch (started.kind) {
    case 'own':
      return new OwnTurn({
        conversation,
        hold: started.hold,
        degraded: false,
        context: contextFrom(started.read),
        signal,
        keep: (events) => keepInStore(conversation, started.hold, events),
      })
    case 'away':
      return new OwnTurn({
        conversation,
        hold: started.hold,
        degraded: true,
        context: contextFrom(started.read),
        signal,
        keep: () => keepAway(conversation, started.hold, started),
      })
    case 'joined':
      return joinedTurn(conversation, started.record, contextFrom(undefined))
    case 'replay':
      return repeatedTurn(
        conversation,
        question,
        toAnswer(started.answer, conversation.scope.codec),
        contextFrom(undefined),
      )
  }
}

/** A turn that another request answers. */
function joinedTurn(
  conversation: Conversation,
  record: TurnRecord,
  context: Turn['context'],
): Turn {
  return {
    ...answeredElsewhere(record.turn, context),
    joined: true,
    replay: undefined,
    replies: [],
    pipe: async (_source, target, options) =>
      (await joinTurn(conversation, record, { target, ...options })).at(-1),
    reply: async () => (await joinTurn(conversation, record, undefined)).at(-1),
  }
}

/** A turn that was answered before. */
function repeatedTurn(
  conversation: Conversation,
  question: NewEntry,
  replies: readonly StoredAnswer[],
  context: Turn['context'],
): Turn {
  const replay = replies.at(-1)
  if (replay === undefined)
    throw new RequestError(409, 'This message was answered, and the answer is no longer kept')
  return {
    ...answeredElsewhere(question.id, context),
    joined: false,
    replay,
    replies,
    async pipe(_source, target, options) {
      await replayTurn(conversation, question.id, replies, { target, ...options })
      return replay
    },
    reply: async () => replay,
  }
}

type Elsewhere = 'id' | 'degraded' | 'signal' | 'context' | 'write' | 'commit' | 'abort'

function answeredElsewhere(turn: string, context: Turn['context']): Pick<Turn, Elsewhere> {
  const refuse = () => {
    throw new UsageError('This turn is answered elsewhere: see `replay` and `joined`')
  }
  return {
    id: decodeMessageId(turn),
    degraded: false,
    signal: new AbortController().signal,
    context,
    write: refuse,
    commit: async () => refuse(),
    abort: async () => refuse(),
  }
}
