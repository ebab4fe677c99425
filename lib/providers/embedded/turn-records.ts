import type { TurnRecord } from '../../ports/history.ts'
import type { TurnClaim, TurnHold } from '../../ports/turns.ts'

/** Of a session at most this many turns run, and as many that have ended are remembered. */
const most = 16

/** Whether a turn runs and its lease too. */
export function isLive({ state, until }: TurnRecord, now: number): boolean {
  return state !== 'ended' && until > now
}

/** Whether a turn has not been ended, be there somebody who answers or not. */
export function isOpen({ state }: TurnRecord): boolean {
  return state !== 'ended'
}

/** The records without those of turns that ended long ago. */
export function lately(records: readonly TurnRecord[], now: number): readonly TurnRecord[] {
  return records.filter((record) => isOpen(record) || record.until > now)
}

/** The record of a turn that is still its holder's. */
export function heldBy(
  records: readonly TurnRecord[],
  { turn, token }: TurnHold,
): TurnRecord | undefined {
  return records.find((record) => record.turn === turn && record.token === token)
}

/** The turn that keeps a claim from being taken: of the same question, or of another. */
export function inTheWay(
  records: readonly TurnRecord[],
  question: string,
  { alone }: TurnClaim,
): TurnRecord | undefined {
  const open = records.filter(isOpen)
  const own = open.find(({ turn }) => turn === question)
  return own ?? (alone || open.length >= most ? open[0] : undefined)
}

/** The records with one more, the newest. */
export function added(records: readonly TurnRecord[], record: TurnRecord): readonly TurnRecord[] {
  return [...records.filter(({ turn }) => turn !== record.turn), record]
}

/** The records with one that has ended, behind those that ended before; of these the oldest go. */
export function ended(
  records: readonly TurnRecord[],
  { turn, token }: TurnRecord,
  until: number,
): readonly TurnRecord[] {
  const others = records.filter((record) => record.turn !== turn)
  const before = others.filter((record) => !isOpen(record)).slice(1 - most)
  return [...before, { turn, token, runner: '', state: 'ended', until }, ...others.filter(isOpen)]
}

/** The records with one changed. */
export function changed(
  records: readonly TurnRecord[],
  turn: string,
  { state, until }: Pick<TurnRecord, 'state' | 'until'>,
): readonly TurnRecord[] {
  return records.map((record) => {
    const { token, runner } = record
    return record.turn === turn ? { turn, token, runner, state, until } : record
  })
}

/** The records of turns of which there are none among the others. */
export function without(
  records: readonly TurnRecord[],
  others: readonly TurnRecord[],
): readonly TurnRecord[] {
  const there = new Set(others.map(({ turn }) => turn))
  return records.filter(({ turn }) => !there.has(turn))
}
