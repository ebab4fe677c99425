import { LRUCache } from 'lru-cache'
import { type KeyParts, resourceKey } from './key.ts'
import { targetMark } from './marks.ts'
import type { QueryRule } from './query.ts'

/** What a request asks for. */
export interface Resource {
  readonly key: string
  /** Mark of all that is kept of its target: see `targetMark()`. */
  readonly mark: string
}

/** What chooses the answer, but for what is the same for all requests through one cache. */
type Parts = Omit<KeyParts, 'query'>

const mostRemembered = 1000
// Whoever asks for long URLs waits for a digest: they would fill the process.
const longestRemembered = 512

/** Finds the resource of a request. Those that were asked for last need no digest. */
export function knownResources(query: QueryRule): (parts: Parts) => Resource {
  const known = new LRUCache<string, Resource>({ max: mostRemembered })
  return (parts) => {
    const text = parts.body === undefined ? textOf(parts) : undefined
    if (text === undefined || text.length > longestRemembered) return new Digested(parts, query)
    const found = known.get(text)
    if (found) return found
    const resource = new Digested(parts, query)
    known.set(text, resource)
    return resource
  }
}

/** Its mark is not worked out before somebody asks: what is at hand is given without it. */
class Digested implements Resource {
  readonly key: string
  readonly #url: string
  readonly #query: QueryRule
  #mark: string | undefined

  constructor(parts: Parts, query: QueryRule) {
    this.key = resourceKey({ ...parts, query })
    this.#url = parts.url
    this.#query = query
  }

  get mark(): string {
    this.#mark ??= targetMark(this.#url, this.#query)
    return this.#mark
  }
}

/** One text of all parts; no two lists of parts read alike. */
function textOf({ method, scheme, host, url, rewritten, scope, headers, extra }: Parts): string {
  let text = sized(method) + sized(scheme) + sized(host) + sized(url) + sized(rewritten)
  text += sized(scope) + sized(extra)
  // Their names are the same in each request.
  for (const [, value] of headers) text += sized(value)
  return text
}

function sized(part: string | undefined): string {
  return part === undefined ? '-' : `${part.length}:${part}`
}
