import { isUtf8 } from 'node:buffer'
import type { Awaitable } from '../lib/awaitable.ts'
import { canonicalJson, isFaithful } from '../lib/cache/canonical-json.ts'
import type { KeyedBody } from '../lib/cache/key.ts'
import { UsageError } from '../lib/errors.ts'
import type { CacheSettings } from './cache-options.ts'
import type { BypassReason } from './cache-record.ts'
import type { Exchange } from './exchange.ts'
import { hasBody, type RequestBody, requestBody } from './request-body.ts'

/** A body as it stands in the key, or why the request has no key. */
export type BodyInKey =
  | { readonly kind: 'keyed'; readonly keyed: KeyedBody | undefined }
  | { readonly kind: 'bypass'; readonly reason: BypassReason }

/** Reads the body of a POST or QUERY for the key, and leaves it to the handler. */
export function keyedBody<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
): Awaitable<BodyInKey> {
  const { req } = exchange
  if (req.method !== 'GET' && req.method !== 'HEAD') return readBody(exchange, settings)
  // A handler that reads the body of a GET answers by something the key does not hold.
  return hasBody(req) ? unread : without
}

const unread: BodyInKey = { kind: 'bypass', reason: 'body' }
const without: BodyInKey = { kind: 'keyed', keyed: undefined }

async function readBody<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
): Promise<BodyInKey> {
  const { req } = exchange
  const body = await requestBody(exchange, exchange.parsedBody(), settings.maxRequestBody)
  if (body.kind === 'unknown') return { kind: 'bypass', reason: body.why }
  const type = (req.headers['content-type'] ?? '').toLowerCase().replace(/\s+/g, '')
  const encoding = (req.headers['content-encoding'] ?? '').toLowerCase().trim()
  const content = await contentOf(exchange, settings, body, type)
  if (typeof content === 'string') return { kind: 'bypass', reason: content }
  return { kind: 'keyed', keyed: { ...content, type, encoding } }
}

type Content = Pick<KeyedBody, 'form' | 'content'>
type KnownBody = Exclude<RequestBody, { kind: 'unknown' }>

async function contentOf<Native>(
  exchange: Exchange<Native>,
  { body: rule, maxRequestBody }: CacheSettings<Native>,
  body: KnownBody,
  type: string,
): Promise<Content | 'body' | 'key'> {
  if (typeof rule === 'function') {
    return ownContent(await rule(exchange.native, body.kind === 'bytes' ? body.bytes : body.value))
  }
  const text = textOf(exchange.parsedBody(), body)
  if (text !== undefined) return { form: 'text', content: text }
  const raw: Content | 'body' =
    body.kind === 'bytes' ? { form: 'raw', content: body.bytes } : 'body'
  const parsed = rule === 'json' ? jsonOf(body, type) : undefined
  if (parsed === undefined) return raw
  const canonical = canonicalJson(parsed.value, { maxDepth: 64, maxLength: maxRequestBody })
  if (canonical === undefined) return 'body'
  // A handler that reads the bytes itself may see more in them than JSON.parse.
  if (parsed.text !== undefined && !isFaithful(canonical, parsed.text)) return raw
  return { form: 'json', content: canonical }
}

function ownContent(own: unknown): Content | 'key' {
  if (own === null || own === undefined) return 'key'
  if (own instanceof Uint8Array || (typeof own === 'string' && own.isWellFormed()))
    return { form: 'own', content: own }
  throw new UsageError('`key.body` must give well-formed text or bytes')
}

/**
 * Text that a parser left: the handler sees a string, even where it reads as JSON. Quoted, since
 * lone surrogates have no bytes. `undefined` where the bytes are those of the stream.
 */
function textOf(parsed: unknown, body: KnownBody): string | undefined {
  if (typeof parsed !== 'string' || body.kind !== 'bytes') return undefined
  return body.bytes.equals(Buffer.from(parsed)) ? JSON.stringify(parsed) : undefined
}

const jsonType = /^[^;]*[/+]json(?:;charset="?utf-8"?)?$/

interface Json {
  readonly value: unknown
  /** As it was sent, where nothing has parsed it before. */
  readonly text?: string
}

/** The value of a body that has one; text that only claims to be JSON is kept as bytes. */
function jsonOf(body: KnownBody, type: string): Json | undefined {
  if (body.kind === 'parsed') return body
  if (!jsonType.test(type) || !isUtf8(body.bytes)) return undefined
  try {
    const text = body.bytes.toString('utf8')
    return { value: JSON.parse(text), text }
  } catch {
    return undefined
  }
}
