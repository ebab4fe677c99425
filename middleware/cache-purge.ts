import { scopeMark, tagMark, targetMark } from '../lib/cache/marks.ts'
import type { Shelf } from '../lib/cache/shelf.ts'
import { OptionError, UsageError } from '../lib/errors.ts'
import { encodeId } from '../lib/keys.ts'
import { checkNames, type Names, oneOf } from '../lib/options.ts'
import type { CacheSettings } from './cache-options.ts'

/** What is to be purged: exactly one of `tags`, `url`, `key` and `scope`. */
export interface Purged {
  /** All that carries one of these tags. */
  readonly tags?: readonly (string | number)[] | undefined
  /** A path with its query, or a whole address: all that was answered there, to whomever. */
  readonly url?: string | undefined
  /**
   * One resource, by `req.cache.key`, with all its variants; never softly. What another process is
   * making of it is kept all the same, unless it hears of this first.
   */
  readonly key?: string | undefined
  /** All answers of one user (`scope: 'user'`), or of one id that a `scope` function gave. */
  readonly scope?: string | number | undefined
  /**
   * True leaves answers in place as stale: given where `staleWhileRevalidate` or `staleIfError` lets
   * them, and confirmed where the handler answers 304. @default false
   */
  readonly soft?: boolean | undefined
}

/** The stored answers of a `cacheResponse()`. */
export interface Answers {
  /**
   * Purges answers, in all processes, those that are being made too. It takes as long for many as for
   * one. Afterwards no process takes them from the store; what another process has at hand it uses
   * until it hears of the purge, at most for `l1.ttl`.
   *
   * @throws UsageError for what names nothing, or several things, and StoreError where the store is
   * away, or full.
   */
  purge(what: Purged): Promise<void>
}

const names: Names<Purged> = { tags: true, url: true, key: true, scope: true, soft: true }

/** What a `cacheResponse()` gives its owner. */
export function answersOf<Native>(settings: CacheSettings<Native>, shelf: Shelf): Answers {
  return {
    async purge(what) {
      checkNames<Purged>('purge', what, names)
      const { soft = false, ...one } = what
      oneOf<boolean>('purge.soft', soft, [true, false])
      const given = Object.entries(one).filter(([, value]) => value !== undefined)
      if (given.length !== 1) throw new UsageError('purge takes one of tags, url, key and scope')
      if (one.key === undefined) await shelf.purge(marksOf(settings, one), soft)
      else if (soft) throw new UsageError('purge by key is never soft')
      else await shelf.drop(one.key)
    },
  }
}

function marksOf<Native>(
  { query, scope: scoped }: CacheSettings<Native>,
  { tags, url, scope }: Purged,
): readonly string[] {
  if (tags !== undefined) {
    if (!Array.isArray(tags)) throw new OptionError('purge.tags', 'a list of tags', tags)
    return tags.map(tagMark)
  }
  if (url !== undefined) return [targetMark(targetOf(url), query)]
  if (scoped === undefined || scoped === 'public')
    throw new UsageError('purge by scope needs a cacheResponse() with a scope')
  const kind = scoped === 'user' ? 'user' : 'id'
  return [scopeMark(`${kind}:${encodeId('A scope', scope)}`)]
}

/** Path and query of an address, or of what is only these. */
function targetOf(url: string): string {
  if (typeof url === 'string' && url.startsWith('/')) return url
  if (!URL.canParse(url)) throw new OptionError('purge.url', 'a path or an address', url)
  const { pathname, search } = new URL(url)
  return pathname + search
}
