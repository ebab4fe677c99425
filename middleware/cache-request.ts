import { cacheControl, type Directives } from '../lib/cache/cache-control.ts'
import { lineOf, type RequestHeaders } from '../lib/cache/fields.ts'
import { resourceKey } from '../lib/cache/key.ts'
import { scopeMark, targetMark } from '../lib/cache/marks.ts'
import { personalFields } from '../lib/cache/personal.ts'
import { isPlainTarget } from '../lib/cache/query.ts'
import type { Wish } from '../lib/cache/reuse.ts'
import type { Credential, Scoping } from '../lib/cache/storable.ts'
import { UsageError } from '../lib/errors.ts'
import { encodeId } from '../lib/keys.ts'
import { keyedBody } from './cache-body.ts'
import type { CacheSettings } from './cache-options.ts'
import type { BypassReason, CacheRecord } from './cache-record.ts'
import { credentialOf } from './credential.ts'
import type { Exchange } from './exchange.ts'
import { identify } from './identity.ts'
import { namedByApplication } from './named-by-application.ts'
import { isBodyRead } from './request-body.ts'
import { requestState } from './request-state.ts'

/** Who stands in the key: a user, nobody or a guest, or whom the application chose. */
type Holder = 'user' | 'nobody' | 'application'

/** A request that the cache may answer. */
export interface CacheableRequest {
  readonly kind: 'cacheable'
  readonly record: CacheRecord
  readonly resource: string
  /** As the client sent them: a fill runs without some, and handlers may change others. */
  readonly headers: RequestHeaders
  readonly wish: Wish
  readonly credential: Credential | undefined
  readonly scoping: Scoping
  /** The user that the framework named when the key was made. */
  readonly userId: unknown
  /** How many `user` options had named somebody then. */
  readonly named: number
  readonly holder: Holder
  /** What its answers carry, so that they can be purged: their target, and their owner. */
  readonly marks: readonly string[]
  /** The last event of a stream that the client has had (`Last-Event-ID`). */
  readonly resumes: string | undefined
  /** The chain can run again for it: there is no body, or a parser has kept it. */
  readonly repeatable: boolean
}

/** A request, as far as it must be known before the store is asked. */
export type CacheRequest = CacheableRequest | Bypass

/** A request that the cache leaves alone. */
export interface Bypass {
  readonly kind: 'bypass'
  readonly record: CacheRecord
  readonly reason: BypassReason
}

/** The application's functions that `readRequest()` may call. */
export function askedOf<Native>({
  when,
  scope,
  user,
  extra,
  body,
}: CacheSettings<Native>): readonly unknown[] {
  const named = scope === undefined || scope === 'user' ? user : scope
  return [when, named, extra, body].filter((each) => typeof each === 'function')
}

/** Whether `readRequest()` reads nothing of a body that has not been read before. */
export function isAtHand<Native>(
  { req }: Exchange<Native>,
  { methods }: CacheSettings<Native>,
): boolean {
  const { method = '' } = req
  return method === 'GET' || method === 'HEAD' || !methods.has(method) || isBodyRead(req)
}

/** Reads what chooses the answer: method, user, body. Asks the application where it has a say. */
export async function readRequest<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
  record: CacheRecord,
): Promise<CacheRequest> {
  const bypass = (reason: BypassReason): CacheRequest => ({ kind: 'bypass', record, reason })
  const headers = { ...exchange.req.headers }
  const directives = directivesOf(headers, settings.mode)
  const early = await refused(exchange, settings, directives)
  if (early) return bypass(early)
  const { userId } = exchange
  const scope = await scopeOf(exchange, settings, credentialOf(headers))
  if (typeof scope === 'string') return bypass(scope)
  const named = requestState(exchange.req).users.size
  const body = await keyedBody(exchange, settings)
  if (body.kind === 'bypass') return bypass(body.reason)
  const extra = await extraOf(exchange, settings)
  if (extra.kind === 'bypass') return bypass('key')
  const resource = resourceKey({
    method: methodClass(exchange.req.method),
    scheme: exchange.protocol,
    host: exchange.host ?? '',
    url: exchange.url,
    rewritten: exchange.req.url === exchange.url ? undefined : exchange.req.url,
    query: settings.query,
    scope: scope.tag,
    headers: settings.headers.map((name) => [name, lineOf(headers, name)]),
    body: body.keyed,
    extra: extra.value,
  })
  record.resource = resource
  const { scoping, credential, holder } = scope
  const wish = {
    directives,
    credentialed: credential !== undefined && scoping === 'none',
    personal: scoping === 'none' ? personalFields(headers, settings.headers) : [],
  }
  const { url } = exchange
  const marksOf = (): readonly string[] => [
    targetMark(url, settings.query),
    ...(scoping === 'id' ? [scopeMark(scope.tag)] : []),
  ]
  let marks: readonly string[] | undefined
  return {
    kind: 'cacheable',
    record,
    resource,
    headers,
    wish,
    // What is at hand is given without them.
    get marks() {
      marks ??= marksOf()
      return marks
    },
    ...{ credential, scoping, userId, named, holder },
    resumes: lineOf(headers, 'last-event-id'),
    repeatable: body.keyed === undefined || exchange.parsedBody() !== undefined,
  }
}

/**
 * Whether a user has become known since the key was made, whom the key does not hold: the answer may
 * be that user's.
 */
export function userAppeared<Native>(
  exchange: Exchange<Native>,
  { userId, named, holder }: CacheableRequest,
): boolean {
  const now = exchange.userId
  const changed = isNamed(now) && now !== userId
  if (holder === 'nobody') return changed || requestState(exchange.req).users.size > named
  // Another user than before; where a `user` option named the one in the key, none was before.
  return holder === 'user' && changed && isNamed(userId)
}

async function refused<Native>(
  { req, native, url }: Exchange<Native>,
  { methods, when, query }: CacheSettings<Native>,
  directives: Directives,
): Promise<BypassReason | undefined> {
  if (!methods.has(req.method ?? '')) return 'method'
  if (directives.has('no-store')) return 'no-store'
  if (query !== true && !isPlainTarget(`${url}${req.url}`)) return 'key'
  return when === undefined || (await when(native)) ? undefined : 'when'
}

type Extra =
  | { readonly kind: 'given'; readonly value: string | undefined }
  | { readonly kind: 'bypass' }

async function extraOf<Native>(
  { native }: Exchange<Native>,
  { extra }: CacheSettings<Native>,
): Promise<Extra> {
  if (extra === undefined) return { kind: 'given', value: undefined }
  const value = await extra(native)
  if (value === null || value === undefined) return { kind: 'bypass' }
  if (typeof value === 'string' && value.isWellFormed()) return { kind: 'given', value }
  throw new UsageError(`\`key.extra\` must give well-formed text, got ${typeof value}`)
}

function methodClass(method: string | undefined): string {
  return method === undefined || method === 'HEAD' ? 'GET' : method
}

function directivesOf(headers: RequestHeaders, mode: 'http' | 'app'): Directives {
  if (mode === 'app') return new Map()
  // RFC 9111 section 5.4: Pragma speaks where there is no Cache-Control.
  const old =
    headers['cache-control'] === undefined && /\bno-cache\b/i.test(lineOf(headers, 'pragma') ?? '')
  return old ? new Map([['no-cache', [undefined]]]) : cacheControl(headers)
}

interface Scope {
  readonly scoping: Scoping
  readonly tag: string
  /** What ties the request to a person. */
  readonly credential: Credential | undefined
  readonly holder: Holder
}

/** Whose answers these are; a reason to bypass the cache where nobody is known who they could be. */
async function scopeOf<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
  credential: Credential | undefined,
): Promise<Scope | BypassReason> {
  const { scope } = settings
  const chosen = { credential, holder: 'application' } as const
  if (scope === 'public') return { scoping: 'public', tag: 'public', ...chosen }
  if (scope === undefined) {
    const found = credential ?? ((await hasUser(exchange, settings)) ? 'user' : undefined)
    return { scoping: 'none', tag: '-', credential: found, holder: 'nobody' }
  }
  if (scope === 'user') return userScope(exchange, settings, credential)
  const id = await scope(exchange.native)
  if (id === null || id === undefined || id === '') return 'scope'
  return {
    scoping: 'id',
    tag: `id:${namedByApplication(() => encodeId('The scope of a cached response', id))}`,
    ...chosen,
  }
}

async function hasUser<Native>(
  exchange: Exchange<Native>,
  { user }: CacheSettings<Native>,
): Promise<boolean> {
  if (isNamed(exchange.userId)) return true
  return (await identify(exchange, user)).user !== undefined
}

/** A guest with a credential is somebody whom a later middleware may sign in. */
async function userScope<Native>(
  exchange: Exchange<Native>,
  { user }: CacheSettings<Native>,
  credential: Credential | undefined,
): Promise<Scope | BypassReason> {
  const { user: id, guest } = await identify(exchange, user)
  if (id !== undefined) return { scoping: 'id', tag: `user:${id}`, credential, holder: 'user' }
  if (credential !== undefined) return credential
  if (isNamed(exchange.userId)) return 'user'
  if (guest === undefined) return 'scope'
  return { scoping: 'id', tag: `user:${guest}`, credential, holder: 'nobody' }
}

function isNamed(userId: unknown): boolean {
  return userId !== undefined && userId !== null
}
