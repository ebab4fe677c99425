import type { TurnRecord } from '../ports/history.ts'
import { publish } from '../telemetry.ts'
import { answerId, type StoredAnswer, toAnswer } from './answer-entries.ts'
import type { Followed, Following } from './followers.ts'
import { decodeMessageId } from './message-id.ts'
import { decodePieces } from './pieces.ts'
import { openReply, type Reply, type ReplyInfo, type ReplyTarget } from './reply-target.ts'
import { salvage } from './salvage.ts'
import { storedChunks } from './stored-chunks.ts'
import type { Chunk } from './stream/chunk.ts'
import { parseEventId } from './stream/event-id.ts'
import type { EndStatus, StreamForm } from './stream/writer.ts'
import type { Conversation } from './turn-start.ts'

/** How an answer that somebody else gives, or gave, is sent. */
export interface RelayOptions {
  /** `sse` for a browser's `EventSource`, `ui` for the AI SDK's `useChat`, `text`. @default 'sse' */
  readonly as?: StreamForm
}

const answersRead = 50

/**
 * Sends a client what it has not seen of a turn, and goes on until the turn ends. False, and
 * nothing is sent, where there is no such turn or nothing of it that the client has not seen.
 */
export async function resumeTurn(
  conversation: Conversation,
  target: ReplyTarget,
  { as = 'sse', lastEventId }: RelayOptions & { readonly lastEventId?: string | undefined },
): Promise<boolean> {
  const seen = lastEventId ? parseEventId(lastEventId) : undefined
  if (lastEventId && seen === undefined) return false
  const turn = seen?.turn ?? (await newestRunning(conversation))
  if (turn === undefined) return false
  const number = seen?.number ?? 0
  const outlet = createOutlet(number)
  // One more than needed: whoever has seen even the end has a number that no piece has.
  const following = await followTurn(conversation, turn, Math.max(0, number - 1), outlet.piece)
  const { record } = following
  if (record === undefined || (record.state === 'ended' && !outlet.any)) {
    following.stop()
    return false
  }
  const reply = openReply(target, as, infoOf(record, number))
  outlet.open(reply)
  const followed = await Promise.race([following.done, reply.closed])
  if (followed) await endReply(conversation, record, followed, reply)
  else following.stop()
  return true
}

/** Sends a client all of a turn that another request has answered or answers. */
export async function joinTurn(
  conversation: Conversation,
  record: Pick<TurnRecord, 'turn' | 'token'>,
  to: { readonly target: ReplyTarget; readonly as: StreamForm } | undefined,
): Promise<readonly StoredAnswer[]> {
  const outlet = createOutlet(0)
  const following = await followTurn(conversation, record.turn, 0, outlet.piece)
  const reply = to && openReply(to.target, to.as, infoOf(record, 0))
  if (reply) outlet.open(reply)
  return endReply(conversation, record, await following.done, reply)
}

/**
 * Sends a client the stored answer of a turn: piece by piece as long as these are kept, so that it
 * can resume, and else as a whole.
 */
export async function replayTurn(
  { rules, scope, keys }: Conversation,
  turn: string,
  answer: readonly StoredAnswer[],
  { target, as }: { readonly target: ReplyTarget; readonly as: StreamForm },
): Promise<void> {
  const call = { deadline: scope.deadline }
  const { batches } = await rules.turns.look(keys, turn, 0, 0, call)
  const question = decodeMessageId(turn)
  const messageId = answer[0]?.id ?? question
  const reply = openReply(target, as, { messageId, question, turn, seen: 0 })
  for (const { bytes } of batches) {
    const { first, chunks } = decodePieces(scope.codec, turn, bytes)
    for (const [at, chunk] of chunks.entries()) reply.piece(chunk, first + at)
  }
  if (batches.length === 0) for (const chunk of storedChunks(answer)) reply.piece(chunk, undefined)
  await reply.end(answer.at(-1)?.status ?? 'complete')
}

/** Takes pieces before there is a reply to write them to. */
function createOutlet(seen: number) {
  const early: [Chunk, number][] = []
  let reply: Reply | undefined
  let any = false
  return {
    get any() {
      return any
    },
    piece(chunk: Chunk, number: number) {
      any = true
      if (number <= seen) return
      if (reply) reply.piece(chunk, number)
      else early.push([chunk, number])
    },
    open(opened: Reply) {
      reply = opened
      for (const [chunk, number] of early.splice(0)) reply.piece(chunk, number)
    },
  }
}

function followTurn(
  { runner, keys, scope }: Conversation,
  turn: string,
  after: number,
  piece: (chunk: Chunk, number: number) => void,
): Promise<Following> {
  const decode = (bytes: Buffer) => decodePieces(scope.codec, turn, bytes)
  return runner.followers.follow({ keys, turn, after, decode, piece })
}

async function newestRunning({ rules, keys, scope }: Conversation): Promise<string | undefined> {
  const call = { deadline: scope.deadline }
  const { meta } = await rules.history.read(
    keys,
    { limit: 1, before: undefined, ttlMs: rules.ttlMs },
    call,
  )
  return meta?.turns.findLast(({ state }) => state !== 'ended')?.turn
}

function infoOf({ turn, token }: Pick<TurnRecord, 'turn' | 'token'>, seen: number): ReplyInfo {
  return { messageId: answerId(token), question: decodeMessageId(turn), turn, seen }
}

/** Ends a reply as its turn has ended; gives the stored answer. */
async function endReply(
  conversation: Conversation,
  record: Pick<TurnRecord, 'turn' | 'token'>,
  followed: Followed,
  reply: Reply | undefined,
): Promise<readonly StoredAnswer[]> {
  try {
    if (followed.kind === 'lapsed') await salvageOf(conversation, record)
    const answer = followed.kind === 'gone' ? [] : await answerTo(conversation, record.turn)
    await reply?.end(statusOf(followed, answer))
    return answer
  } catch (error) {
    publish('error', () => ({ during: 'turn', error }))
    await reply?.end(followed.kind === 'lapsed' ? 'interrupted' : 'failed')
    return []
  }
}

function salvageOf(
  { rules, scope, keys }: Conversation,
  record: Pick<TurnRecord, 'turn' | 'token'>,
): Promise<void> {
  return salvage(rules, scope.codec, keys, record, { deadline: scope.deadline })
}

function statusOf({ kind }: Followed, answer: readonly StoredAnswer[]): EndStatus {
  const last = answer.at(-1)
  if (last) return last.status ?? 'complete'
  if (kind === 'gone') return 'failed'
  return kind === 'lapsed' ? 'interrupted' : 'aborted'
}

/** The stored answer to a question; it is among the newest messages, because it has just ended. */
async function answerTo(
  { rules, scope, keys }: Conversation,
  turn: string,
): Promise<readonly StoredAnswer[]> {
  const newest = { limit: answersRead, before: undefined, ttlMs: undefined }
  const { entries } = await rules.history.read(keys, newest, { deadline: scope.deadline })
  const own = entries.filter(({ role }) => role === 'a' || role === 't')
  const question = decodeMessageId(turn)
  return toAnswer(own, scope.codec).filter((message) => message.turn === question)
}
