import { LRUCache } from 'lru-cache'
import { type KeyParts, resourceKey } from './key.ts'
import { targetMark } from './marks.ts'
import type { QueryRule } from './query.ts'

/** What a request asks for. */
export interface Resource {
  readonly key: string
  /** The mark of all that is kept of its target alone: see `targetMark()`. */
  readonly marks: readonly [string]
}

/** What chooses the answer, but for what is the same for all requests through one cache. */
type Parts = Omit<KeyParts, 'query'>

const mostRemembered = 1000
// Whoever asks for long URLs waits for a digest: they would fill the process.
const longestRemembered = 512

/** Finds the resource of a request. Those that were asked for last need no digest. */
export function knownResources(query: QueryRule): (parts: Parts) => Resource {
  const known = new LRUCache<string, Digested>({ max: mostRemembered })
  const lastOf = new LRUCache<string, Digested>({ max: mostRemembered })

  function found(parts: Parts): Resource {
    const text = textOf(parts)
    if (text.length > longestRemembered) return new Digested(parts, query)
    const resource = known.get(text) ?? new Digested(parts, query)
    known.set(text, resource)
    lastOf.set(parts.url, resource)
    return resource
  }

  return (parts) => {
    if (parts.body !== undefined) return new Digested(parts, query)
    // Most often what was asked for last at this URL: no text of all parts is made for that.
    const last = lastOf.get(parts.url)
    return last?.isOf(parts) ? last : found(parts)
  }
}

/** Its mark is not worked out before somebody asks: what is at hand is given without it. */
class Digested implements Resource {
  readonly key: string
  readonly #parts: Parts
  readonly #query: QueryRule
  #marks: readonly [string] | undefined

  constructor(parts: Parts, query: QueryRule) {
    this.key = resourceKey({ ...parts, query })
    this.#parts = parts
    this.#query = query
  }

  get marks(): readonly [string] {
    this.#marks ??= [targetMark(this.#parts.url, this.#query)]
    return this.#marks
  }

  /** Whether these parts choose it; neither they nor its own have a body. */
  isOf({ method, scheme, host, url, rewritten, scope, headers, extra }: Parts): boolean {
    const own = this.#parts
    if (url !== own.url || method !== own.method || host !== own.host) return false
    if (scheme !== own.scheme || rewritten !== own.rewritten) return false
    if (scope !== own.scope || extra !== own.extra) return false
    // Their names are the same in each request.
    return headers.every(([, value], at) => value === own.headers[at]?.[1])
  }
}

/** One text of all parts; no two lists of parts read alike. */
function textOf({ method, scheme, host, url, rewritten, scope, headers, extra }: Parts): string {
  let text = sized(method) + sized(scheme) + sized(host) + sized(url) + sized(rewritten)
  text += sized(scope) + sized(extra)
  for (const [, value] of headers) text += sized(value)
  return text
}

function sized(part: string | undefined): string {
  return part === undefined ? '-' : `${part.length}:${part}`
}
