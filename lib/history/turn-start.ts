import { isDeepStrictEqual } from 'node:util'
import { BusyError, isAway, RequestError, type StoreError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Entry, NewEntry, ReadResult, TurnRecord } from '../ports/history.ts'
import type { Begun, TurnHold } from '../ports/turns.ts'
import { publish } from '../telemetry.ts'
import { keepMs, leaseMs } from './answer-log.ts'
import { ifCreated } from './growth.ts'
import { toMessage } from './message.ts'
import { decodePieces } from './pieces.ts'
import { forgotten } from './refusal.ts'
import type { Runner } from './runner.ts'
import { salvage } from './salvage.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { unlessAborted } from './waiting-lines.ts'

const longestWaitMs = 30_000
const mostTries = 10

/** One conversation, as its turns see it. */
export interface Conversation {
  readonly rules: MemoryRules
  readonly scope: MemoryScope
  readonly keys: SessionKeys
  readonly runner: Runner
}

/** How a turn began. `away`: without the store. */
export type Started =
  | { readonly kind: 'own'; readonly hold: TurnHold; readonly read: ReadResult }
  | { readonly kind: 'away'; readonly hold: TurnHold; readonly read: ReadResult; sent: boolean }
  | { readonly kind: 'joined'; readonly record: TurnRecord }
  | { readonly kind: 'replay'; readonly answer: readonly Entry[] }

type Tried = Exclude<Begun, { readonly kind: 'running' | 'busy' | 'lapsed' }> | Blocked
type Blocked = { readonly kind: 'running' | 'busy'; readonly record: TurnRecord }
type Busy = { readonly kind: 'busy'; readonly record: TurnRecord }

/** Messages at most that begin reads beside it. */
export interface StartSize {
  readonly bounds: AppendBounds
  readonly limit: number
}

/**
 * Begins a turn, waits for the one that runs, joins it or finds the answer, as the case may be.
 *
 * @throws BusyError where another turn runs on; RequestError 409 for an id that stands for another
 * question.
 */
export async function startTurn(
  conversation: Conversation,
  question: NewEntry,
  size: StartSize,
  signal: AbortSignal | undefined,
): Promise<Started> {
  signal?.throwIfAborted()
  const { rules, keys, runner } = conversation
  const begin = beginner(conversation, question, size)
  try {
    const ahead = runner.lines.ahead(keys.session)
    const first = ahead === undefined || ahead === question.id ? await begin() : undefined
    if (first !== undefined && first.kind !== 'busy') return first
    if (rules.turnMode === 'reject') throw new BusyError()
    return await waitInLine(conversation, begin, first?.record, ahead, signal)
  } catch (error) {
    if (!rules.goesOn || !isAway(error)) throw error
    publish('error', () => ({ during: 'turn', error }))
    return startAway(conversation, question, size, error)
  }
}

/** The question is kept in this process until the store is back. */
function startAway(
  { rules, scope, keys }: Conversation,
  question: NewEntry,
  { bounds, limit }: StartSize,
  error: StoreError,
): Started {
  scope.degraded = true
  rules.continuation.keep(keys, [question], bounds)
  const read = rules.continuation.read(keys, limit, undefined)
  const hold = { turn: question.id, token: crypto.randomUUID() }
  return { kind: 'away', hold, read, sent: error.outcome !== 'not-sent' }
}

/** Tries to begin, until there is an outcome that a try does not change. */
function beginner(
  conversation: Conversation,
  question: NewEntry,
  { bounds, limit }: StartSize,
): () => Promise<Started | Busy> {
  const { rules, scope, keys, runner } = conversation
  const { deadline, codec } = scope
  const call = { deadline }
  const token = crypto.randomUUID()
  const hold = { turn: question.id, token }
  const alone = rules.turnMode !== 'interleave'
  const claim = { token, runner: runner.channel, leaseMs, alone }

  function outcome(begun: Tried, read: ReadResult): Promise<Started> | Started | Busy {
    switch (begun.kind) {
      case 'begun': {
        ifCreated(rules, keys, begun.created)
        const own = { kind: 'own', hold, read } as const
        return begun.again ? refuseUnlessSame(read).then(() => own) : own
      }
      case 'running':
        checkSame(conversation, question, read)
        return { kind: 'joined', record: begun.record } as const
      case 'answered':
        return replayOf(conversation, question, begun, read)
      case 'busy':
        return { kind: 'busy', record: begun.record } as const
      case 'forgotten':
        throw forgotten('turn')
    }
  }

  async function refuseUnlessSame(read: ReadResult): Promise<void> {
    try {
      checkSame(conversation, question, read)
    } catch (error) {
      await rules.turns.end(keys, hold, [], bounds, { lapsed: false, keepMs }, call)
      throw error
    }
  }

  return async () => {
    for (let tries = 0; tries < mostTries; tries++) {
      // What was kept while the store was away goes first, so that the order holds.
      const settling = rules.continuation.settle(keys, deadline)
      if (settling) await settling
      const { begun, read } = await rules.turns.begin(keys, question, claim, bounds, limit, call)
      if (begun.kind !== 'lapsed') return outcome(begun as Tried, read)
      await salvage(rules, codec, keys, begun.record, call)
    }
    throw new BusyError()
  }
}

/** Waits for turns that run until this one can begin; whoever waits here first is first. */
async function waitInLine(
  conversation: Conversation,
  begin: () => Promise<Started | Busy>,
  busy: TurnRecord | undefined,
  ahead: string | undefined,
  given: AbortSignal | undefined,
): Promise<Started> {
  const { keys, runner } = conversation
  const expiry = AbortSignal.timeout(longestWaitMs)
  const signal = given ? AbortSignal.any([given, expiry]) : expiry
  try {
    return await runner.lines.stand(
      keys.session,
      busy?.turn ?? ahead ?? '',
      signal,
      async (waited, waitsFor) => {
        if (busy && !waited) await over(conversation, busy, signal)
        for (;;) {
          const next = await begin()
          if (next.kind !== 'busy') return next
          waitsFor(next.record.turn)
          await over(conversation, next.record, signal)
        }
      },
    )
  } catch (error) {
    if (expiry.aborted && error === expiry.reason) throw new BusyError()
    throw error
  }
}

/** Waits until a turn has ended, or whoever answered is gone. */
async function over(
  { runner, keys, scope }: Conversation,
  { turn }: TurnRecord,
  signal: AbortSignal,
): Promise<void> {
  const following = await runner.followers.follow({
    keys,
    turn,
    after: Number.MAX_SAFE_INTEGER,
    decode: (bytes) => decodePieces(scope.codec, turn, bytes),
    piece: () => {},
  })
  try {
    await unlessAborted(following.done, signal)
  } finally {
    following.stop()
  }
}

async function replayOf(
  conversation: Conversation,
  question: NewEntry,
  { first, count }: { readonly first: number; readonly count: number },
  read: ReadResult,
): Promise<Started> {
  const { rules, scope, keys } = conversation
  const end = first + count
  // A few more: the question stands a little before its answer.
  const older = { limit: count + 10, before: end, ttlMs: undefined }
  const there = read.entries.some(({ seq }) => seq < first)
  const { entries } = there
    ? read
    : await rules.history.read(keys, older, { deadline: scope.deadline })
  checkSame(conversation, question, { ...read, entries })
  const answer = entries.filter(({ seq }) => seq >= first && seq < end)
  return { kind: 'replay', answer }
}

/** @throws RequestError 409 where the stored message with this id says something else. */
function checkSame(
  { scope: { codec } }: Conversation,
  question: NewEntry,
  { entries }: ReadResult,
): void {
  const stored = entries.find(({ id }) => id === question.id)
  if (stored === undefined) return
  const asked = { ...question, seq: stored.seq, payload: Buffer.from(question.payload) }
  const [one, other] = [stored, asked].map((entry) => ({
    ...toMessage(entry, codec),
    createdAt: 0,
  }))
  if (!isDeepStrictEqual(one, other))
    throw new RequestError(409, 'A message with this id, but another content, is there already')
}
