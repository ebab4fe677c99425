import type { Call } from '../deadline.ts'
import type { SessionKeys } from '../keys.ts'
import type { NewEntry, SessionMeta, TurnRecord } from '../ports/history.ts'
import type { TurnHold, TurnView } from '../ports/turns.ts'
import { publish } from '../telemetry.ts'
import { toStreamedEntries } from './answer-entries.ts'
import { keepMs } from './answer-log.ts'
import { boundsOf } from './bounds.ts'
import type { Codec } from './codec.ts'
import { decodeMessageId } from './message-id.ts'
import { decodePieces } from './pieces.ts'
import type { MemoryRules } from './scope.ts'
import { fold } from './stream/fold.ts'

/**
 * Ends a turn whose process is gone: what it had written is stored as an answer that was
 * interrupted. Does nothing where the turn is alive or has ended.
 */
export async function salvage(
  rules: MemoryRules,
  codec: Codec,
  keys: SessionKeys,
  { turn, token }: Pick<TurnRecord, 'turn' | 'token'>,
  call?: Call,
): Promise<void> {
  const { record, live, batches } = await rules.turns.look(keys, turn, 0, 0, call)
  if (live || record?.token !== token || record.state === 'ended') return
  const entries = savedEntries(rules, codec, { turn, token }, batches)
  const how = { lapsed: true, keepMs }
  await rules.turns.end(keys, { turn, token }, entries, boundsOf(rules, codec), how, call)
}

/** None where they cannot be read or kept: that must not hold up the conversation for good. */
function savedEntries(
  rules: MemoryRules,
  codec: Codec,
  { turn, token }: TurnHold,
  batches: TurnView['batches'],
): NewEntry[] {
  try {
    const answer = fold(batches.flatMap(({ bytes }) => decodePieces(codec, turn, bytes).chunks))
    const of = { question: decodeMessageId(turn), token, status: 'interrupted' } as const
    return answer ? toStreamedEntries([answer], of, rules, codec) : []
  } catch (error) {
    publish('error', () => ({ during: 'turn', error }))
    return []
  }
}

/**
 * Turns of a session that seem to be abandoned. Clocks of several machines differ: the store, not this
 * one, decides.
 */
export function abandoned(meta: SessionMeta | undefined): readonly TurnRecord[] {
  return meta?.turns.filter(({ state, until }) => state !== 'ended' && until < Date.now()) ?? []
}

/** Ends these turns, where they are abandoned. */
export async function salvageAll(
  rules: MemoryRules,
  codec: Codec,
  keys: SessionKeys,
  lapsed: readonly TurnRecord[],
  call: Call,
): Promise<void> {
  for (const record of lapsed) {
    try {
      await salvage(rules, codec, keys, record, call)
    } catch (error) {
      // What cannot be saved does not keep anybody from reading the rest.
      publish('error', () => ({ during: 'turn', error }))
    }
  }
}
