import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Outcome } from './fault-load.ts'

/** What became of what was said. */
export interface Kept {
  /** Acknowledged as stored, and not stored. */
  readonly lost: number
  /** Stored more than once. */
  readonly doubled: number
  /** Stored before something of the same user that was acknowledged before this was sent. */
  readonly reordered: number
}

type Stored = ReadonlyMap<string, readonly unknown[]>

const longestMs = 3000
const steadyMs = 1000
const nothing: Kept = { lost: Number.NaN, doubled: Number.NaN, reordered: Number.NaN }

/**
 * Reads what is stored until all that was acknowledged is there, or nothing changes any more; 3 s at
 * most. NaN where the app keeps nothing, or does not tell any more what it kept.
 */
export async function countKept(url: string, outcomes: readonly Outcome[]): Promise<Kept> {
  const last = await settled(url, outcomes)
  if (last === undefined) return nothing
  return {
    lost: missing(outcomes, last, ['stored']),
    doubled: doubledIn(last),
    reordered: reorderedIn(outcomes, last),
  }
}

async function settled(url: string, outcomes: readonly Outcome[]): Promise<Stored | undefined> {
  const users = [...new Set(outcomes.map(({ user }) => user))]
  const unreadAt = performance.now() + longestMs
  const reads: { readonly at: number; readonly size: number; readonly stored: Stored }[] = []
  const steady = (now: number) => {
    const [first] = reads
    const changedAt = reads.findLast(({ size }) => size !== reads.at(-1)?.size)?.at ?? first?.at
    if (first === undefined || changedAt === undefined) return now > unreadAt
    return now - first.at > longestMs || now - changedAt > steadyMs
  }
  for (;;) {
    const stored = await readAll(url, users)
    const at = performance.now()
    if (stored === 'nothing') return undefined
    if (stored !== undefined) reads.push({ at, size: sizeOf(stored), stored })
    const whole = stored !== undefined && missing(outcomes, stored, ['stored', 'kept']) === 0
    if (whole || steady(at)) return reads.at(-1)?.stored
    await sleep(100)
  }
}

/** What is stored of each; `undefined` where that cannot be read now. */
async function readAll(
  url: string,
  users: readonly string[],
): Promise<Stored | 'nothing' | undefined> {
  const stored = new Map<string, readonly unknown[]>()
  // Each time another address: a cache may stand before the handler.
  const read = (user: string) => ask(`${url}/?read=${performance.now()}`, user, 2000)
  for (const [user, answer] of await Promise.all(
    users.map(async (user) => [user, await read(user)] as const),
  )) {
    if (answer.status === 404) return 'nothing'
    if (!Array.isArray(answer.body)) return undefined
    stored.set(user, answer.body)
  }
  return stored
}

function sizeOf(stored: Stored): number {
  return [...stored.values()].reduce((sum, { length }) => sum + length, 0)
}

function missing(
  outcomes: readonly Outcome[],
  stored: Stored,
  which: readonly Outcome['acknowledged'][],
): number {
  const ids = new Set([...stored.values()].flat())
  return outcomes.filter(({ id, acknowledged }) => which.includes(acknowledged) && !ids.has(id))
    .length
}

function doubledIn(stored: Stored): number {
  const again = (content: unknown, at: number, all: readonly unknown[]) =>
    all.indexOf(content) === at && all.lastIndexOf(content) !== at
  return [...stored.values()].flatMap((contents) => contents.filter(again)).length
}

function reorderedIn(outcomes: readonly Outcome[], stored: Stored): number {
  const placed = outcomes
    .map(({ user, id, at, ms }) => {
      const place = stored.get(user)?.indexOf(id) ?? -1
      return { user, from: at, to: at + ms, place }
    })
    .filter(({ place }) => place >= 0)
  return placed.filter((each) =>
    placed.some(
      ({ user, to, place }) => user === each.user && to <= each.from && place > each.place,
    ),
  ).length
}
