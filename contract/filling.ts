import assert from 'node:assert/strict'
import type { FillClaim, FillListener, FillPlace, Fills, FillView } from '../lib/ports/fills.ts'
import { fresh } from './names.ts'
import type { Opened } from './suite.ts'

/** How long a lease runs where nobody lets it lapse, in milliseconds. */
export const minuteMs = 60_000

type Times = Parameters<Fills['end']>[3]

/** A resource whose answer nobody makes yet. */
export function place(variant = ''): FillPlace {
  return { key: `cache:{${fresh()}}`, variant }
}

/** A claim that nobody else makes. */
export function claim(rest: Partial<FillClaim> = {}): FillClaim {
  return { token: fresh('token'), runner: fresh('cache:fills'), leaseMs: minuteMs, ...rest }
}

/** Takes a fill; gives its token. */
export async function lead(
  open: Opened,
  at: FillPlace,
  rest?: Partial<FillClaim>,
): Promise<string> {
  const own = claim(rest)
  assert.equal((await open().fills.claim(at, own)).kind, 'leading')
  return own.token
}

/** Waits for a fill that somebody else has. */
export async function follow(open: Opened, at: FillPlace): Promise<void> {
  assert.equal((await open().fills.claim(at, claim())).kind, 'held')
}

/** Ends a fill. */
export function finish(
  open: Opened,
  at: FillPlace,
  token: string,
  how: Parameters<Fills['end']>[2] = 'kept',
  given: Partial<Times> = {},
): Promise<void> {
  return open().fills.end(at, token, how, { keepMs: minuteMs, aloneMs: minuteMs, ...given })
}

/** Pieces up to a number. */
export function pieces(last: number, text = `up to ${last}`): { last: number; bytes: Buffer } {
  return { last, bytes: Buffer.from(text) }
}

/** What has come of a fill, as text. */
export async function seen(
  open: Opened,
  at: FillPlace,
  token: string,
  after = 0,
): Promise<[FillView['state'], ...string[]]> {
  const { state, batches } = await open().fills.look(at, token, after)
  return [state, ...batches.map(({ last, bytes }) => `${last} ${bytes}`)]
}

/** Listens, and keeps what it hears. */
export function ear(): FillListener & { readonly heard: string[] } {
  const heard: string[] = []
  return {
    heard,
    batch: ({ last, bytes }) => void heard.push(`${last} ${bytes}`),
    ended: (how) => void heard.push(how),
  }
}
