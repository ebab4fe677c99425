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

/**
 * Reads what is stored until all that was acknowledged is there, or nothing changes any more; 3 s at
 * most. NaN where the app keeps nothing, or tells no more what it kept.
 */
export async function countKept(url: string, outcomes: readonly Outcome[]): Promise<Kept> {
  const users = [...new Set(outcomes.map(({ user }) => user))]
  const endAt = performance.now() + longestMs
  let steadyFrom = performance.now()
  let last: Stored | undefined
  for (;;) {
    const stored = await readAll(url, users)
    const now = performance.now()
    if (sizeOf(stored) !== sizeOf(last)) steadyFrom = now
    last = stored ?? last
    const over = now > endAt || now - steadyFrom > steadyMs
    if (over || (stored !== undefined && missing(outcomes, stored, 'any') === 0)) break
    await sleep(100)
  }
  if (last === undefined) return { lost: Number.NaN, doubled: Number.NaN, reordered: Number.NaN }
  return {
    lost: missing(outcomes, last, 'stored'),
    doubled: doubledIn(last),
    reordered: reorderedIn(outcomes, last),
  }
}

async function readAll(url: string, users: readonly string[]): Promise<Stored | undefined> {
  const answers = await Promise.all(
    users.map(async (user) => {
      // Each time another address: a cache may stand before the handler.
      const answer = await ask(`${url}/?read=${performance.now()}`, user, 1000)
      return Array.isArray(answer) ? ([user, answer] as const) : undefined
    }),
  )
  const found = answers.flatMap((each) => (each === undefined ? [] : [each]))
  return found.length === users.length ? new Map(found) : undefined
}

function sizeOf(stored: Stored | undefined): number {
  return [...(stored?.values() ?? [])].reduce((sum, { length }) => sum + length, -1)
}

function missing(outcomes: readonly Outcome[], stored: Stored, which: 'any' | 'stored'): number {
  const ids = new Set([...stored.values()].flat())
  return outcomes.filter(
    ({ id, acknowledged }) =>
      (acknowledged === 'stored' || (which === 'any' && acknowledged === 'kept')) && !ids.has(id),
  ).length
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
