import { type List, parseList, serializeList } from 'structured-headers'
import { largest } from './amount.ts'
import { inSeconds, type Standing } from './verdict.ts'

/**
 * A way to tell clients where they stand. `draft-11`: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-11, with every rule. `legacy`: `X-RateLimit-Limit`,
 * `-Remaining` and `-Reset` of the tightest rule. `openai`: `x-ratelimit-limit-requests` and the
 * like, as OpenAI's clients read them.
 */
export type HeaderStyle = 'draft-11' | 'legacy' | 'openai'

/**
 * The header fields that tell clients where they stand, in each style asked for; rules in shadow
 * mode are not told of. `now` gives the milliseconds since 1970.
 */
export function limitFields(
  styles: readonly HeaderStyle[],
  standings: readonly Standing[],
  now: () => number = Date.now,
): Record<string, string> {
  const told = toldOf(standings)
  if (told.length === 0) return {}
  const [style, ...others] = styles
  if (style !== undefined && others.length === 0) return writers[style](told, now)
  return Object.assign({}, ...styles.map((each) => writers[each](told, now)))
}

/** The fields of `draft-11`, both of which are lists; nothing where there is nothing to tell. */
export function listFields(standings: readonly Standing[]): Lists | undefined {
  const told = toldOf(standings)
  return told.length === 0 ? undefined : listsOf(told)
}

interface Lists {
  readonly policy: string
  readonly state: string
}

function listsOf(told: readonly Standing[]): Lists {
  const [first] = told
  // Nearly always there is one.
  if (first !== undefined && told.length === 1)
    return { policy: policy(first), state: state(first) }
  return { policy: told.map(policy).join(', '), state: told.map(state).join(', ') }
}

/** The names of the lists of `draft-11`. */
export const policyField = 'RateLimit-Policy'
export const stateField = 'RateLimit'

function toldOf(standings: readonly Standing[]): readonly Standing[] {
  if (standings.length === 1 && standings[0]?.shadow === false) return standings
  const enforced = standings.filter(({ shadow }) => !shadow)
  if (enforced.length <= 1) return enforced
  // A rule that comes twice, since two limiters share its budget, stands where it stood last.
  return [...new Map(enforced.map((each) => [each.name, each])).values()]
}

/**
 * A field's value after ours is added to what an outer limiter or another library has set before.
 * `RateLimit-Policy` and `RateLimit` are lists: ours goes to the end, in the place of items of the
 * same name. What is no such list is dropped, since it would make ours unreadable. The fields of
 * other styles say one thing only, and are replaced.
 */
export function joinFields(before: unknown, name: string, value: string): string {
  if (before === undefined || !lists.has(name.toLowerCase())) return value
  const ours = parseList(value)
  const names = new Set(ours.map(([item]) => item))
  return serializeList([...itemsOf(before).filter(([item]) => !names.has(item)), ...ours])
}

const lists: ReadonlySet<string> = new Set(['ratelimit-policy', 'ratelimit'])

function itemsOf(before: unknown): List {
  try {
    const items = parseList(Array.isArray(before) ? before.join(', ') : String(before ?? ''))
    return items.every(([item]) => typeof item === 'string') ? items : []
  } catch {
    return []
  }
}

type Writer = (told: readonly Standing[], now: () => number) => Record<string, string>

const writers: Readonly<Record<HeaderStyle, Writer>> = {
  'draft-11'(told) {
    const lists = listsOf(told)
    return { [policyField]: lists.policy, [stateField]: lists.state }
  },
  legacy,
  openai: (told) => ({
    ...openaiFields('requests', told.filter(countsRequests)),
    ...openaiFields('tokens', told.filter(countsTokens)),
  }),
}

// Of the draft's registry. What it does not know needs a parameter of our own.
const registered: ReadonlySet<string> = new Set([
  'requests',
  'content-bytes',
  'concurrent-requests',
])

// Written by hand: these two come with every response, and a serializer takes four times as long.
function policy({ name, algorithm, limit, windowMs, unit }: Standing): string {
  const item = `${quoted(name)};q=${whole(limit)}`
  if (algorithm === 'concurrency') return `${item};qu="concurrent-requests"`
  // The draft has no parts of a second, and no window of 0.
  const window = windowMs > 0 && windowMs % 1000 === 0 ? `;w=${whole(windowMs / 1000)}` : ''
  if (unit === undefined) return item + window
  return `${item}${window};${registered.has(unit) ? 'qu' : 'memoryware-unit'}=${quoted(unit)}`
}

function state(standing: Standing): string {
  const { remaining, resetMs } = offer(standing)
  const item = `${quoted(standing.name)};r=${whole(remaining)}`
  // Where nothing is used there is nothing to wait for, and a slot comes back at no set time.
  const waits = resetMs > 0 && standing.algorithm !== 'concurrency'
  return waits ? `${item};t=${whole(inSeconds(resetMs))}` : item
}

/** A string of RFC 9651; names and units are checked to be printable ASCII when mounting. */
function quoted(text: string): string {
  return needsEscape.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

const needsEscape = /["\\]/

/** What a client may count on: while it is blocked nothing, whatever is left of the budget. */
function offer({ budget }: Standing): { readonly remaining: number; readonly resetMs: number } {
  const { remaining, resetMs, blockedMs } = budget
  if (blockedMs <= 0) return { remaining, resetMs }
  return { remaining: 0, resetMs: remaining > 0 ? blockedMs : Math.max(blockedMs, resetMs) }
}

/**
 * `X-RateLimit-Reset` is a point in time, in seconds since 1970: GitHub sends it so, express-rate-limit
 * does, and clients such as Octokit's throttling subtract their own time from it. Rounded up, so that
 * nobody comes back too early.
 */
function legacy(told: readonly Standing[], now: () => number): Record<string, string> {
  const [tightest] = told.toSorted((one, other) => byKind(one, other) || byTightness(one, other))
  if (tightest === undefined) return {}
  const waitMs = waitOf(tightest)
  const known = tightest.algorithm !== 'concurrency' && Number.isFinite(waitMs)
  return {
    'X-RateLimit-Limit': String(whole(tightest.limit)),
    'X-RateLimit-Remaining': String(whole(offer(tightest).remaining)),
    ...(known && { 'X-RateLimit-Reset': String(whole(inSeconds(now() + waitMs))) }),
  }
}

function openaiFields(
  what: 'requests' | 'tokens',
  counting: readonly Standing[],
): Record<string, string> {
  const [tightest] = counting.toSorted(byTightness)
  if (tightest === undefined) return {}
  const waitMs = waitOf(tightest)
  return {
    [`x-ratelimit-limit-${what}`]: String(whole(tightest.limit)),
    [`x-ratelimit-remaining-${what}`]: String(whole(offer(tightest).remaining)),
    ...(Number.isFinite(waitMs) && { [`x-ratelimit-reset-${what}`]: durationText(waitMs) }),
  }
}

function countsRequests({ algorithm, unit = 'requests' }: Standing): boolean {
  return algorithm !== 'concurrency' && unit === 'requests'
}

function countsTokens({ algorithm, unit }: Standing): boolean {
  return algorithm !== 'concurrency' && unit === 'tokens'
}

/** Until a client should ask again; of a refusal that can never pass `Infinity`. */
function waitOf(standing: Standing): number {
  const { resetMs } = offer(standing)
  return standing.budget.allowed ? resetMs : Math.max(resetMs, standing.budget.retryMs)
}

/** What a client can pace itself by comes before slots, but for those that refuse. */
function byKind(one: Standing, other: Standing): number {
  return Number(isOpenSlot(one)) - Number(isOpenSlot(other))
}

function isOpenSlot({ algorithm, budget }: Standing): boolean {
  return algorithm === 'concurrency' && budget.allowed
}

/** Refusals first, then by the share that is left, then by the longer wait. */
function byTightness(one: Standing, other: Standing): number {
  return (
    Number(one.budget.allowed) - Number(other.budget.allowed) ||
    shareOf(one) - shareOf(other) ||
    Number(waitOf(one) < waitOf(other)) - Number(waitOf(one) > waitOf(other))
  )
}

function shareOf(standing: Standing): number {
  return standing.limit > 0 ? offer(standing).remaining / standing.limit : 0
}

/** As Go writes durations, which is what OpenAI sends: `120ms`, `1s`, `6m0s`, `1h0m5s`. */
function durationText(ms: number): string {
  if (ms > 0 && Math.ceil(ms) < 1000) return `${Math.ceil(ms)}ms`
  const seconds = inSeconds(ms)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const parts = [`${seconds % 60}s`]
  if (minutes > 0) parts.unshift(`${minutes % 60}m`)
  if (hours > 0) parts.unshift(`${hours}h`)
  return parts.join('')
}

/** What RFC 9651 takes for an integer, whatever a store of the app's own has counted. */
function whole(value: number): number {
  return Math.min(largest, Math.max(0, Math.floor(value) || 0))
}
