import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { SessionKeys } from '../lib/keys.ts'
import type { AppendBounds, NewEntry, TurnRecord } from '../lib/ports/history.ts'
import type { Batch, Begun, EndedTurn, TurnClaim, TurnHold, Written } from '../lib/ports/turns.ts'
import { bounds, message, minuteMs } from './conversation.ts'
import { fresh } from './names.ts'
import type { Opened } from './suite.ts'

/** A claim for a minute, by a process of its own, on a session whose turns run one by one. */
export function claim(other: Partial<TurnClaim> = {}): TurnClaim {
  return {
    token: randomUUID(),
    runner: fresh('runner'),
    leaseMs: minuteMs,
    alone: true,
    ...other,
  }
}

/** What begins a turn, and with what. */
export interface Beginning {
  readonly question?: NewEntry
  readonly claim?: Partial<TurnClaim>
  readonly bounds?: Partial<AppendBounds>
}

/** Begins a turn with the question `q`, but for what is said otherwise. */
export async function begin(
  open: Opened,
  keys: SessionKeys,
  { question = message('q'), ...other }: Beginning = {},
): Promise<Begun> {
  const { begun } = await open().turns.begin(
    keys,
    question,
    claim(other.claim),
    bounds(other.bounds),
    10,
  )
  return begun
}

/** Takes a turn; gives what it is held by. */
export async function take(
  open: Opened,
  keys: SessionKeys,
  { question = message('q'), ...other }: Beginning = {},
): Promise<TurnHold> {
  const token = other.claim?.token ?? randomUUID()
  const begun = await begin(open, keys, { ...other, question, claim: { ...other.claim, token } })
  assert.equal(begun.kind, 'begun')
  return { turn: question.id, token }
}

/** A batch whose bytes say which it is. */
export function batch(last: number, text = `up to ${last}`): Batch {
  return { last, bytes: Buffer.from(text) }
}

/** Writes a batch, for a minute; none renews only. */
export function write(
  open: Opened,
  keys: SessionKeys,
  hold: TurnHold,
  written?: Batch,
  times: { readonly leaseMs?: number; readonly keepMs?: number } = {},
): Promise<Written> {
  const { leaseMs = minuteMs, keepMs = minuteMs } = times
  return open().turns.write(keys, hold, written, { leaseMs, keepMs })
}

/** Ends a turn with the answer `a`, but for what is said otherwise. */
export function end(
  open: Opened,
  keys: SessionKeys,
  hold: TurnHold,
  answer: readonly NewEntry[] = [message('a', 'a')],
  how: { lapsed?: boolean; keepMs?: number; bounds?: Partial<AppendBounds> } = {},
): Promise<EndedTurn> {
  const { lapsed = false, keepMs = minuteMs } = how
  return open().turns.end(keys, hold, answer, bounds(how.bounds), { lapsed, keepMs })
}

/** The records of a session's turns. */
export async function recordsOf(open: Opened, keys: SessionKeys): Promise<readonly TurnRecord[]> {
  const range = { limit: 0, before: undefined, ttlMs: undefined }
  return (await open().history.read(keys, range)).meta?.turns ?? []
}

/** The batches that are kept of a turn, as their numbers and texts. */
export async function batchesOf(
  open: Opened,
  keys: SessionKeys,
  turn: string | undefined,
  after = 0,
): Promise<string[]> {
  const { batches } = await open().turns.look(keys, turn, after, 0)
  return batches.map(({ last, bytes }) => `${last} ${bytes}`)
}
