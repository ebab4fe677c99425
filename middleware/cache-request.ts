import { cacheControl, type Directives } from '../lib/cache/cache-control.ts'
import { lineOf, type RequestHeaders } from '../lib/cache/fields.ts'
import { resourceKey } from '../lib/cache/key.ts'
import type { Wish } from '../lib/cache/reuse.ts'
import type { Credential, Scoping } from '../lib/cache/storable.ts'
import { UsageError } from '../lib/errors.ts'
import { keyedBody } from './cache-body.ts'
import type { CacheSettings } from './cache-options.ts'
import { type BypassReason, CacheRecord } from './cache-record.ts'
import type { Exchange } from './exchange.ts'
import { guestCookie, identify } from './identity.ts'

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
}

/** A request, as far as it must be known before the store is asked. */
export type CacheRequest = CacheableRequest | Bypass

/** A request that the cache leaves alone. */
export interface Bypass {
  readonly kind: 'bypass'
  readonly record: CacheRecord
  readonly reason: BypassReason
}

/** Reads what chooses the answer: method, user, body. Asks the application where it has a say. */
export async function readRequest<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
): Promise<CacheRequest> {
  const record = new CacheRecord()
  exchange.attach('cache', () => record.shown)
  const bypass = (reason: BypassReason): CacheRequest => ({ kind: 'bypass', record, reason })
  const headers = { ...exchange.req.headers }
  const directives = directivesOf(headers, settings.mode)
  const early = await refused(exchange, settings, directives)
  if (early) return bypass(early)
  const scope = await scopeOf(exchange, settings)
  if (scope === undefined) return bypass('scope')
  const body = await keyedBody(exchange, settings)
  if (body.kind === 'bypass') return bypass(body.reason)
  const extra = await extraOf(exchange, settings)
  if (extra.kind === 'bypass') return bypass('key')
  const resource = resourceKey({
    method: methodClass(exchange.req.method),
    scheme: exchange.protocol,
    host: exchange.host ?? '',
    url: exchange.url,
    query: settings.query,
    scope: scope.tag,
    headers: settings.headers.map((name) => [name, lineOf(headers, name)]),
    body: body.keyed,
    extra: extra.value,
  })
  const { scoping } = scope
  const credential = credentialOf(headers)
  const wish = { directives, credentialed: credential !== undefined && scoping === 'none' }
  return { kind: 'cacheable', record, resource, headers, wish, credential, scoping }
}

async function refused<Native>(
  { req, native }: Exchange<Native>,
  { methods, when }: CacheSettings<Native>,
  directives: Directives,
): Promise<BypassReason | undefined> {
  if (!methods.has(req.method ?? '')) return 'method'
  if (directives.has('no-store')) return 'no-store'
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
  if (typeof value === 'string') return { kind: 'given', value }
  throw new UsageError(`\`key.extra\` must give text, got ${typeof value}`)
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
}

/** `undefined` bypasses the cache: nobody is known whose answers these could be. */
async function scopeOf<Native>(
  exchange: Exchange<Native>,
  { scope, user }: CacheSettings<Native>,
): Promise<Scope | undefined> {
  if (scope === undefined) return { scoping: 'none', tag: '-' }
  if (scope === 'public') return { scoping: 'public', tag: 'public' }
  if (scope === 'user') {
    const { user: id, guest } = await identify(exchange, user)
    const owner = id ?? guest
    return owner === undefined ? undefined : { scoping: 'id', tag: `user:${owner}` }
  }
  const id = await scope(exchange.native)
  if (id === null || id === undefined || id === '') return undefined
  if (typeof id !== 'string' && typeof id !== 'number')
    throw new UsageError(`The scope of a cached response must be text, got ${typeof id}`)
  return { scoping: 'id', tag: `id:${id}` }
}

function credentialOf(headers: RequestHeaders): Credential | undefined {
  if (headers['authorization'] !== undefined) return 'authorization'
  const cookies = (lineOf(headers, 'cookie') ?? '').split(';').map((pair) => pair.trim())
  const foreign = cookies.some(
    (pair) => pair !== '' && pair.split('=', 1)[0]?.trim() !== guestCookie,
  )
  return foreign ? 'cookie' : undefined
}
