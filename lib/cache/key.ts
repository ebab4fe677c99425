import { cacheKey } from '../keys.ts'
import { keyedQuery, type QueryRule } from './query.ts'

// A new number makes every entry written before a miss.
const version = '2'

/** The body of a POST or QUERY, as it stands in the key. */
export interface KeyedBody {
  /**
   * `json`: canonical; `text`: what a parser gave as text; `raw`: as sent; `own`: what the
   * application made of it.
   */
  readonly form: 'json' | 'text' | 'raw' | 'own'
  readonly type: string
  readonly encoding: string
  readonly content: string | Uint8Array
}

/** What chooses the answer. */
export interface KeyParts {
  /** `GET`, also for HEAD. */
  readonly method: string
  readonly scheme: string
  readonly host: string
  /** Path and query as sent. */
  readonly url: string
  /** Path and query as the handler sees them, where a mount or an outer middleware rewrote them. */
  readonly rewritten: string | undefined
  readonly query: QueryRule
  /** Tagged, so that no id equals `public`. */
  readonly scope: string
  /** Chosen request fields, in the order of the options; `undefined` for an absent one. */
  readonly headers: readonly (readonly [name: string, value: string | undefined])[]
  readonly body: KeyedBody | undefined
  readonly extra: string | undefined
}

/** Key of the resource: a SHA-256 over length-prefixed fields, so that no two lists read alike. */
export function resourceKey(parts: KeyParts): string {
  const { method, scheme, host, url, rewritten, query, scope, headers, body, extra } = parts
  return cacheKey([
    version,
    method,
    scheme.toLowerCase(),
    host.toLowerCase(),
    JSON.stringify(query),
    ...keyedTarget(url, query),
    ...(rewritten === undefined ? ['-'] : keyedTarget(rewritten, query)),
    scope,
    String(headers.length),
    ...headers.flatMap(([name, value]) => [name, value === undefined ? '-' : `=${value}`]),
    ...(body ? [body.form, body.type, body.encoding, body.content] : ['-']),
    extra === undefined ? '-' : `=${extra}`,
  ])
}

/** A target as it stands in a key: its path, and the part of its query that chooses the answer. */
export function keyedTarget(url: string, rule: QueryRule): [path: string, query: string] {
  const mark = url.indexOf('?')
  if (mark < 0) return [url, '']
  return [url.slice(0, mark), `?${keyedQuery(url.slice(mark + 1), rule)}`]
}
