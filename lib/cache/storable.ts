import { cacheControl, type Directives, isBare } from './cache-control.ts'
import type { Fields } from './fields.ts'
import type { Controls, Freshness } from './freshness.ts'
import { notInKey } from './personal.ts'
import { hasValidator } from './validators.ts'

/** Whose answers an entry holds: nobody said, everybody's, or those of one id that is in the key. */
export type Scoping = 'none' | 'public' | 'id'

/** What ties a request to a person, where the key does not. */
export type Credential = 'authorization' | 'cookie' | 'user'

/** Why a response is not stored. */
export type Refusal =
  | 'handler'
  | 'status'
  | 'no-store'
  | 'private'
  | 'no-cache'
  | 'set-cookie'
  | 'vary'
  | 'memory'
  | 'tags'
  | Credential
  | 'stale'
  | 'size'
  | 'length'
  | 'incomplete'

/** What decides whether a response may be stored. */
export interface Candidate {
  readonly status: number
  /** What the handler set. */
  readonly fields: Fields
  /** Read from all that stands on the response. */
  readonly controls: Controls
  /** Of `Cache-Control`: what it forbids holds where another field goes before it. */
  readonly untargeted: Directives
  /** `undefined` where it varies by what no request says. */
  readonly vary: readonly string[] | undefined
  readonly freshness: Freshness | undefined
  /** The handler itself stated a life above 0. */
  readonly explicitByHandler: boolean
  readonly ageMs: number
  /** How long it may be used after its life, whoever allows it, in milliseconds. @default 0 */
  readonly windowMs?: number | undefined
  readonly scoping: Scoping
  readonly credential: Credential | undefined
  /** The handler read a conversation. */
  readonly memoryUsed: boolean
  /** The handler asked not to store. */
  readonly declined: boolean
  /** What is stale from the start may be stored to be validated at each use. @default false */
  readonly revalidates?: boolean | undefined
  /** Fields of the request that may tell who asks, but for those in the key. @default none */
  readonly personal?: readonly string[] | undefined
}

/** Why this response must not be stored (RFC 9111 section 3, and stricter); `undefined` where it may. */
export function refusalOf(candidate: Candidate): Refusal | undefined {
  return refusedByHandler(candidate) ?? refusedByOrigin(candidate) ?? refusedForAge(candidate)
}

function refusedByHandler(candidate: Candidate): Refusal | undefined {
  const { declined, memoryUsed, scoping, fields, vary } = candidate
  if (declined) return 'handler'
  if (Object.hasOwn(fields, 'set-cookie')) return 'set-cookie'
  if (memoryUsed && scoping !== 'id') return 'memory'
  return vary === undefined ? 'vary' : undefined
}

// The final statuses whose meaning RFC 9110 gives and this cache honours.
const understood = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501])

// Said to one visitor, or by a network on the way (RFC 6585).
const neverStored = new Set([206, 304, 401, 407, 428, 429, 431, 511])

function isStorable(status: number, explicitByHandler: boolean): boolean {
  if (status < 200 || neverStored.has(status)) return false
  // A life that outer middlewares give everything is not meant for failures.
  return status < 400 || lasting.has(status) || explicitByHandler
}

// Errors that are cacheable by themselves (RFC 9110 section 15.1): they last as long as the resource.
const lasting = new Set([404, 405, 410, 414, 501])

function refusedByOrigin(candidate: Candidate): Refusal | undefined {
  const { status, controls, untargeted, scoping, credential } = candidate
  const { directives } = controls
  if (!isStorable(status, candidate.explicitByHandler)) return 'status'
  if (directives.has('must-understand') && !understood.has(status)) return 'status'
  // RFC 9213 lets `CDN-Cache-Control` lift both. Here it does not: whoever writes them means them.
  const said = (name: string): boolean => directives.has(name) || untargeted.has(name)
  if (said('no-store') && !isUnderstood(candidate)) return 'no-store'
  if (said('private') && scoping !== 'id') return 'private'
  if (isBare(directives, 'no-cache') && !mayValidate(candidate)) return 'no-cache'
  const forAll = ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name))
  if (credential === 'authorization' && scoping === 'none' && !forAll) return 'authorization'
  return undefined
}

/**
 * RFC 9111 section 5.2.2.3: a cache that knows the status ignores `no-store` beside `must-understand`.
 * Only where the handler wrote every one of both, each as it should be written, and a life, and where
 * the request is nobody's own: a `no-store` that a middleware adds stays one.
 */
function isUnderstood(candidate: Candidate): boolean {
  const { controls, untargeted, fields, explicitByHandler, credential } = candidate
  if (controls.targeted || !explicitByHandler || credential !== undefined) return false
  const own = cacheControl(fields)
  return ['no-store', 'must-understand'].every((name) => {
    const values = untargeted.get(name)
    const written = values?.every((value) => value === undefined) ?? false
    return written && values?.length === own.get(name)?.length
  })
}

/**
 * Whether a response that is stale from the start may be kept, to ask the handler at each use whether
 * it still holds (RFC 9111 section 4.3): not without a validator of the handler's own, and not for a
 * request that may be somebody's. Handlers number the versions of many users' answers alike.
 */
function mayValidate({ revalidates, status, fields, ...rest }: Candidate): boolean {
  // RFC 9110 section 13.2.1: only what succeeds is ever answered with a 304.
  if (!revalidates || status > 299 || !hasValidator(fields)) return false
  if (rest.scoping !== 'none') return true
  const vary = (rest.vary ?? []).join()
  return rest.credential === undefined && !notInKey(rest.personal ?? [], { vary })
}

const statusesOfTtl = new Set([200, 203, 204, 300, 301, 308, 410])

function refusedForAge(candidate: Candidate): Refusal | undefined {
  const { status, freshness, ageMs, windowMs = 0, scoping, credential } = candidate
  if (freshness === undefined) return 'stale'
  const { lifeMs, from } = freshness
  // `Date` has whole seconds: a life of one second is often over when the response comes in.
  const keptToAsk = from === 'origin' && mayValidate(candidate)
  const usableMs = lifeMs > 0 ? lifeMs + windowMs : 0
  if (usableMs <= ageMs && !keptToAsk) return 'stale'
  if (freshness.explicit) return undefined
  if (from === 'ttl' && !statusesOfTtl.has(status)) return 'status'
  return scoping === 'none' ? credential : undefined
}
