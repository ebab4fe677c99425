import { type Awaitable, withValue } from '../lib/awaitable.ts'
import { cacheControl, type Directives } from '../lib/cache/cache-control.ts'
import { lineOf, type RequestHeaders } from '../lib/cache/fields.ts'
import type { KeyParts } from '../lib/cache/key.ts'
import { isPlainTarget } from '../lib/cache/query.ts'
import { UsageError } from '../lib/errors.ts'
import { type BodyInKey, keyedBody } from './cache-body.ts'
import type { CacheSettings } from './cache-options.ts'
import type { BypassReason, CacheRecord } from './cache-record.ts'
import { isNamed, scopeOf } from './cache-scope.ts'
import { CacheableRequest, type ReadParts, type Scope } from './cacheable-request.ts'
import { credentialOf } from './credential.ts'
import type { Exchange } from './exchange.ts'
import { isBodyRead } from './request-body.ts'
import { requestState, stateSoFar } from './request-state.ts'

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
  if (early) return bypass(record, early)
  const reading = { exchange, settings, record, directives }
  if (settings.when === undefined) return readScope(reading)
  return withValue(settings.when(exchange.native), (wanted) =>
    wanted ? readScope(reading) : bypass(record, 'when'),
  )
}

function bypass(record: CacheRecord, reason: BypassReason): Bypass {
  return { kind: 'bypass', record, reason }
}

// Where a step need not wait, the next is called as it is: a closure for each would be made for nothing.

function readScope<Native>(reading: Reading<Native>): Awaitable<CacheRequest> {
  const { exchange, settings } = reading
  const { userId } = exchange
  const scope = scopeOf(exchange, settings, credentialOf(exchange.req.headers))
  if (!(scope instanceof Promise)) return readBody(reading, userId, scope)
  return scope.then((found) => readBody(reading, userId, found))
}

function readBody<Native>(
  reading: Reading<Native>,
  userId: unknown,
  scope: Scope | BypassReason,
): Awaitable<CacheRequest> {
  const { exchange, settings, record } = reading
  if (typeof scope === 'string') return bypass(record, scope)
  const caller = { scope, userId, named: stateSoFar(exchange.req)?.users.size ?? 0 }
  const body = keyedBody(exchange, settings)
  if (!(body instanceof Promise)) return readExtra(reading, caller, body)
  return body.then((found) => readExtra(reading, caller, found))
}

type Caller = Pick<ReadParts, 'scope' | 'userId' | 'named'>

function readExtra<Native>(
  reading: Reading<Native>,
  caller: Caller,
  body: BodyInKey,
): Awaitable<CacheRequest> {
  const { exchange, settings, record } = reading
  if (body.kind === 'bypass') return bypass(record, body.reason)
  const { keyed } = body
  if (settings.extra === undefined)
    return cacheable(reading, caller, { body: keyed, extra: undefined })
  return withValue(settings.extra(exchange.native), (value) =>
    value === null || value === undefined
      ? bypass(record, 'key')
      : cacheable(reading, caller, { body: keyed, extra: extraOf(value) }),
  )
}

function cacheable<Native>(
  { exchange, settings, record, directives }: Reading<Native>,
  { scope, userId, named }: Caller,
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
    scope: scope.tag,
    headers:
      keyed.length === 0 ? noHeaders : keyed.map((name) => [name, lineOf(req.headers, name)]),
    body,
    extra,
  })
  record.resource = resource.key
  const repeatable = body === undefined || exchange.parsedBody() !== undefined
  return new CacheableRequest({
    req,
    record,
    resource,
    scope,
    userId,
    named,
    directives,
    keyed,
    repeatable,
  })
}

const noHeaders: KeyParts['headers'] = []

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
  return query === true || (isPlainTarget(url) && isPlainTarget(req.url ?? '')) ? undefined : 'key'
}

function extraOf(value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value
  throw new UsageError(`\`key.extra\` must give well-formed text, got ${typeof value}`)
}

function methodClass(method: string | undefined): string {
  return method === undefined || method === 'HEAD' ? 'GET' : method
}

const noDirectives: Directives = new Map()
const onlyNew: Directives = new Map([['no-cache', [undefined]]])

function directivesOf(headers: RequestHeaders, mode: 'http' | 'app'): Directives {
  if (mode === 'app') return noDirectives
  if (headers['cache-control'] !== undefined) return cacheControl(headers)
  // RFC 9111 section 5.4: Pragma speaks where there is no Cache-Control.
  const pragma = lineOf(headers, 'pragma')
  return pragma !== undefined && /\bno-cache\b/i.test(pragma) ? onlyNew : noDirectives
}
