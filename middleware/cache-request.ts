import { type Awaitable, withValue } from '../lib/awaitable.ts'
import { cacheControl, type Directives } from '../lib/cache/cache-control.ts'
import { lineOf, type RequestHeaders } from '../lib/cache/fields.ts'
import type { KeyParts } from '../lib/cache/key.ts'
import { isPlainTarget } from '../lib/cache/query.ts'
import type { Credential } from '../lib/cache/storable.ts'
import { UsageError } from '../lib/errors.ts'
import { encodeId } from '../lib/keys.ts'
import { keyedBody } from './cache-body.ts'
import type { CacheSettings } from './cache-options.ts'
import type { BypassReason, CacheRecord } from './cache-record.ts'
import { CacheableRequest, type ReadParts, type Scope } from './cacheable-request.ts'
import { credentialOf } from './credential.ts'
import type { Exchange } from './exchange.ts'
import { identify, signedIn } from './identity.ts'
import { namedByApplication } from './named-by-application.ts'
import { isBodyRead } from './request-body.ts'
import { type Identity, requestState, stateSoFar } from './request-state.ts'

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

/** What a request is read with. */
interface Reading<Native> {
  readonly exchange: Exchange<Native>
  readonly settings: CacheSettings<Native>
  readonly record: CacheRecord
  readonly directives: Directives
}

/**
 * Reads what chooses the answer: method, user, body. Asks the application where it has a say, and
 * waits for it; else for nothing but a body.
 */
export function readRequest<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
  record: CacheRecord,
): Awaitable<CacheRequest> {
  const directives = directivesOf(exchange.req.headers, settings.mode)
  const early = refused(exchange, settings, directives)
  if (early) return { kind: 'bypass', record, reason: early }
  const reading = { exchange, settings, record, directives }
  if (settings.when === undefined) return readScope(reading)
  return withValue(settings.when(exchange.native), (wanted) =>
    wanted ? readScope(reading) : { kind: 'bypass', record, reason: 'when' },
  )
}

function readScope<Native>(reading: Reading<Native>): Awaitable<CacheRequest> {
  const { exchange, settings, record } = reading
  const { userId } = exchange
  return withValue(scopeOf(exchange, settings, credentialOf(exchange.req.headers)), (scope) => {
    if (typeof scope === 'string') return { kind: 'bypass', record, reason: scope }
    const named = stateSoFar(exchange.req)?.users.size ?? 0
    return readBody(reading, { scope, userId, named })
  })
}

type Caller = Pick<ReadParts, 'scope' | 'userId' | 'named'>

function readBody<Native>(reading: Reading<Native>, caller: Caller): Awaitable<CacheRequest> {
  const { exchange, settings, record } = reading
  return withValue(keyedBody(exchange, settings), (body) => {
    if (body.kind === 'bypass') return { kind: 'bypass', record, reason: body.reason }
    return withValue(extraOf(exchange, settings), (extra) =>
      extra.kind === 'bypass'
        ? { kind: 'bypass', record, reason: 'key' }
        : cacheable(reading, caller, { body: body.keyed, extra: extra.value }),
    )
  })
}

function cacheable<Native>(
  { exchange, settings, record, directives }: Reading<Native>,
  caller: Caller,
  { body, extra }: Pick<KeyParts, 'body' | 'extra'>,
): CacheableRequest {
  const { req, url } = exchange
  const { headers: keyed } = settings
  const resource = settings.resourceOf({
    method: methodClass(req.method),
    scheme: exchange.protocol,
    host: exchange.host ?? '',
    url,
    rewritten: req.url === url ? undefined : req.url,
    scope: caller.scope.tag,
    headers: keyed.map((name) => [name, lineOf(req.headers, name)]),
    body,
    extra,
  })
  record.resource = resource.key
  const repeatable = body === undefined || exchange.parsedBody() !== undefined
  return new CacheableRequest({ req, record, resource, ...caller, directives, keyed, repeatable })
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

function refused<Native>(
  { req, url }: Exchange<Native>,
  { methods, query }: CacheSettings<Native>,
  directives: Directives,
): BypassReason | undefined {
  if (!methods.has(req.method ?? '')) return 'method'
  if (directives.has('no-store')) return 'no-store'
  return query === true || isPlainTarget(`${url}${req.url}`) ? undefined : 'key'
}

type Extra =
  | { readonly kind: 'given'; readonly value: string | undefined }
  | { readonly kind: 'bypass' }

const noExtra: Extra = { kind: 'given', value: undefined }

function extraOf<Native>(
  { native }: Exchange<Native>,
  { extra }: CacheSettings<Native>,
): Awaitable<Extra> {
  return extra === undefined ? noExtra : withValue(extra(native), readExtra)
}

function readExtra(value: unknown): Extra {
  if (value === null || value === undefined) return { kind: 'bypass' }
  if (typeof value === 'string' && value.isWellFormed()) return { kind: 'given', value }
  throw new UsageError(`\`key.extra\` must give well-formed text, got ${typeof value}`)
}

function methodClass(method: string | undefined): string {
  return method === undefined || method === 'HEAD' ? 'GET' : method
}

const noDirectives: Directives = new Map()

function directivesOf(headers: RequestHeaders, mode: 'http' | 'app'): Directives {
  if (mode === 'app') return noDirectives
  // RFC 9111 section 5.4: Pragma speaks where there is no Cache-Control.
  const old =
    headers['cache-control'] === undefined && /\bno-cache\b/i.test(lineOf(headers, 'pragma') ?? '')
  return old ? new Map([['no-cache', [undefined]]]) : cacheControl(headers)
}

const publicScope = { scoping: 'public', tag: 'public', holder: 'application' } as const

/** Whose answers these are; a reason to bypass the cache where nobody is known who they could be. */
function scopeOf<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
  credential: Credential | undefined,
): Awaitable<Scope | BypassReason> {
  const { scope, user } = settings
  if (scope === 'public') return { ...publicScope, credential }
  if (scope === undefined)
    return withValue(credential ?? userCredential(exchange, user), (found) => {
      return { scoping: 'none', tag: '-', credential: found, holder: 'nobody' }
    })
  if (scope === 'user')
    return withValue(identify(exchange, user), (who) => userScope(exchange, who, credential))
  return withValue(scope(exchange.native), (id) => {
    if (id === null || id === undefined || id === '') return 'scope'
    const tag = `id:${namedByApplication(() => encodeId('The scope of a cached response', id))}`
    return { scoping: 'id', tag, credential, holder: 'application' }
  })
}

/** Whether somebody is known without a credential. */
function userCredential<Native>(
  exchange: Exchange<Native>,
  user: CacheSettings<Native>['user'],
): Awaitable<'user' | undefined> {
  if (isNamed(exchange.userId)) return 'user'
  return withValue(signedIn(exchange, user), (id) => (id === undefined ? undefined : 'user'))
}

/** A guest with a credential is somebody whom a later middleware may sign in. */
function userScope<Native>(
  { userId }: Exchange<Native>,
  { user, guest }: Identity,
  credential: Credential | undefined,
): Scope | BypassReason {
  if (user !== undefined) return { scoping: 'id', tag: `user:${user}`, credential, holder: 'user' }
  if (credential !== undefined) return credential
  if (isNamed(userId)) return 'user'
  if (guest === undefined) return 'scope'
  return { scoping: 'id', tag: `user:${guest}`, credential, holder: 'nobody' }
}

function isNamed(userId: unknown): boolean {
  return userId !== undefined && userId !== null
}
