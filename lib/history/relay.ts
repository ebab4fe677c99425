import { isAway } from '../errors.ts'
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
  /** The id by which the client is to know the answer. @default the stored one's */
  readonly messageId?: string
}

/** To whom an answer is sent, and how. */
interface RelayTo extends RelayOptions {
  readonly target: ReplyTarget
}

// The last of an answer tells all there is to tell.
const answersRead = 20
const mostTries = 20
const retryAfterMs = 250

/**
 * Sends a client what it has not seen of a turn, and goes on until the turn ends. False, and
 * nothing is sent, where there is no such turn or nothing of it that the client has not seen.
 */
export async function resumeTurn(
  conversation: Conversation,
  target: ReplyTarget,
  { lastEventId, ...options }: RelayOptions & { readonly lastEventId?: string | undefined },
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
  const reply = openedFor(following, () =>
    openNamed({ target, ...options }, infoOf(record, number)),
  )
  outlet.open(reply)
  const followed = await Promise.race([following.done, reply.closed])
  if (followed) await endReply(conversation, record, followed, outlet)
  else following.stop()
  return true
}

/** Sends a client all of a turn that another request has answered or answers. */
export async function joinTurn(
  conversation: Conversation,
  record: Pick<TurnRecord, 'turn' | 'token'>,
  to: RelayTo | undefined,
): Promise<readonly StoredAnswer[]> {
  const outlet = createOutlet(0)
  const piece = to ? outlet.piece : () => {}
  const following = await followTurn(conversation, record.turn, 0, piece)
  if (to) outlet.open(openedFor(following, () => openNamed(to, infoOf(record, 0))))
  return endReply(conversation, record, await following.done, outlet)
}

/** What cannot be sent is not followed either. */
function openedFor(following: Following, open: () => Reply): Reply {
  try {
    return open()
  } catch (error) {
    following.stop()
    throw error
  }
}

/**
 * Sends a client the stored answer of a turn: piece by piece as long as these are kept, so that it
 * can resume, and else as a whole.
 */
export async function replayTurn(
  { rules, scope, keys }: Conversation,
  turn: string,
  answer: readonly StoredAnswer[],
  to: RelayTo,
): Promise<void> {
  const call = { deadline: scope.deadline }
  const { batches } = await rules.turns.look(keys, turn, 0, 0, call)
  const question = decodeMessageId(turn)
  const messageId = answer[0]?.id ?? question
  const reply = openNamed(to, { messageId, question, turn, seen: 0 })
  for (const { bytes } of batches) {
    const { first, chunks } = decodePieces(scope.codec, turn, bytes)
    for (const [at, chunk] of chunks.entries()) reply.piece(chunk, first + at)
    await reply.drained()
  }
  if (batches.length === 0) for (const chunk of storedChunks(answer)) reply.piece(chunk, undefined)
  await reply.end(answer.at(-1)?.status ?? 'complete')
}

function openNamed({ target, as = 'sse', messageId }: RelayTo, info: ReplyInfo): Reply {
  return openReply(target, as, messageId === undefined ? info : { ...info, messageId })
}

/** Where what is told of a turn goes. */
interface Outlet {
  /** Something was told. */
  readonly any: boolean
  piece(chunk: Chunk, number: number): void
  open(opened: Reply): void
  /** Ends the reply, if there is one, once it has all that was told. */
  end(status: EndStatus): Promise<void>
}

/**
 * Takes pieces before there is a reply to write them to. What has gathered is written no faster than
 * the client takes it; what comes meanwhile follows.
 */
function createOutlet(seen: number): Outlet {
  const gathered: [Chunk, number][] = []
  let reply: Reply | undefined
  let catchingUp: Promise<void> | undefined
  let live = false
  let any = false

  async function catchUp(opened: Reply): Promise<void> {
    for (let at = 0; at < gathered.length && opened.open; at += 1) {
      opened.piece(...(gathered[at] as [Chunk, number]))
      if (opened.behind) await opened.drained()
    }
    gathered.length = 0
    live = true
  }

  return {
    get any() {
      return any
    },
    piece(chunk, number) {
      any = true
      if (number <= seen) return
      if (live) reply?.piece(chunk, number)
      else gathered.push([chunk, number])
    },
    open(opened) {
      reply = opened
      catchingUp = catchUp(opened)
    },
    async end(status) {
      await catchingUp
      await reply?.end(status)
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
  outlet: Outlet,
): Promise<readonly StoredAnswer[]> {
  const { rules, scope, keys } = conversation
  try {
    // Nobody waits for this in haste: not the time of the request, but that of a call holds.
    const answer = await patiently(async () => {
      if (followed.kind === 'gone') return []
      if (followed.kind === 'lapsed') await salvage(rules, scope.codec, keys, record)
      return answerTo(conversation, record.turn)
    })
    await outlet.end(statusOf(followed, answer))
    return answer
  } catch (error) {
    publish('error', () => ({ during: 'turn', error }))
    await outlet.end(followed.kind === 'lapsed' ? 'interrupted' : 'failed')
    return []
  }
}

/** Asks again while the store is away for a moment: when many answers end at once it may be. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (!isAway(error) || tries === mostTries) throw error
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs))
    }
  }
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
  const { entries } = await rules.history.read(keys, newest)
  const own = entries.filter(({ role }) => role === 'a' || role === 't')
  const question = decodeMessageId(turn)
  return toAnswer(own, scope.codec).filter((message) => message.turn === question)
}
