import { isUtf8 } from 'node:buffer'
import { canonicalJson } from '../lib/cache/canonical-json.ts'
import type { KeyedBody } from '../lib/cache/key.ts'
import type { CacheSettings } from './cache-options.ts'
import type { BypassReason } from './cache-record.ts'
import type { Exchange } from './exchange.ts'
import { hasBody, type RequestBody, requestBody } from './request-body.ts'

/** A body as it stands in the key, or why the request has no key. */
export type BodyInKey =
  | { readonly kind: 'keyed'; readonly keyed: KeyedBody | undefined }
  | { readonly kind: 'bypass'; readonly reason: BypassReason }

/** Reads the body of a POST or QUERY for the key, and leaves it to the handler. */
export async function keyedBody<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
): Promise<BodyInKey> {
  const { req } = exchange
  if (req.method === 'GET' || req.method === 'HEAD') {
    // A handler that reads the body of a GET answers by something the key does not hold.
    return hasBody(req) ? { kind: 'bypass', reason: 'body' } : { kind: 'keyed', keyed: undefined }
  }
  const body = await requestBody(exchange, exchange.parsedBody(), settings.maxRequestBody)
  if (body.kind === 'unknown') return { kind: 'bypass', reason: body.why }
  const type = (req.headers['content-type'] ?? '').toLowerCase().replace(/\s+/g, '')
  const encoding = (req.headers['content-encoding'] ?? '').toLowerCase().trim()
  const content = await contentOf(exchange.native, settings, body, type)
  if (typeof content === 'string') return { kind: 'bypass', reason: content }
  return { kind: 'keyed', keyed: { ...content, type, encoding } }
}

type Content = Pick<KeyedBody, 'form' | 'content'>

async function contentOf<Native>(
  native: Native,
  { body: rule, maxRequestBody }: CacheSettings<Native>,
  body: Exclude<RequestBody, { kind: 'unknown' }>,
  type: string,
): Promise<Content | 'body' | 'key'> {
  if (typeof rule === 'function') {
    const own = await rule(native, body.kind === 'bytes' ? body.bytes : body.value)
    return own === null || own === undefined ? 'key' : { form: 'own', content: own }
  }
  const parsed = rule === 'json' ? jsonOf(body, type) : undefined
  if (parsed) {
    const bounds = { maxDepth: 64, maxLength: maxRequestBody }
    const text = canonicalJson(parsed.value, bounds)
    return text === undefined ? 'body' : { form: 'json', content: text }
  }
  return body.kind === 'bytes' ? { form: 'raw', content: body.bytes } : 'body'
}

const jsonType = /^[^;]*[/+]json(?:;charset="?utf-8"?)?$/

/** The value of a body that has one; text that only claims to be JSON is kept as bytes. */
function jsonOf(
  body: Exclude<RequestBody, { kind: 'unknown' }>,
  type: string,
): { readonly value: unknown } | undefined {
  if (body.kind === 'parsed') return body
  if (!jsonType.test(type) || !isUtf8(body.bytes)) return undefined
  try {
    return { value: JSON.parse(body.bytes.toString('utf8')) }
  } catch {
    return undefined
  }
}
