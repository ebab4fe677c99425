import { token } from '../lib/cache/fields.ts'
import type { QueryRule } from '../lib/cache/query.ts'
import { OptionError } from '../lib/errors.ts'
import { checkNames, type Names, oneOf, optionalFunction } from '../lib/options.ts'
import type { CacheKeyOptions } from './cache-option-types.ts'
import type { CacheSettings } from './cache-options.ts'

type ReadKey<Native> = Pick<CacheSettings<Native>, 'query' | 'headers' | 'body' | 'extra'>

/** @throws OptionError for a wrong or unknown member of `key`. */
export function readKey<Native>(key: CacheKeyOptions<Native>): ReadKey<Native> {
  checkNames<CacheKeyOptions<Native>>('cacheResponse.key', key, keyNames)
  const { query = true, headers = [], body = 'canonical-json', extra } = key
  optionalFunction('cacheResponse.key.extra', extra)
  if (!Array.isArray(headers) || !headers.every(isFieldName))
    throw new OptionError('cacheResponse.key.headers', 'an array of field names', headers)
  if (typeof body !== 'function') oneOf('cacheResponse.key.body', body, ['canonical-json', 'raw'])
  return {
    query: readQuery(query),
    headers: headers.map((name) => name.toLowerCase()).sort(),
    body: body === 'canonical-json' ? 'json' : body,
    extra,
  }
}

const keyNames: Names<CacheKeyOptions<unknown>> = {
  query: true,
  headers: true,
  body: true,
  extra: true,
}

function readQuery(query: QueryRule): QueryRule {
  if (query === true || isListOfText(query)) return query
  if (typeof query === 'object' && query !== null && !Array.isArray(query)) {
    checkNames<{ ignore: readonly string[] }>('cacheResponse.key.query', query as never, {
      ignore: true,
    })
    if (isListOfText((query as { ignore: unknown }).ignore)) return query
  }
  throw new OptionError(
    'cacheResponse.key.query',
    'true, an array of names or { ignore: names }',
    query,
  )
}

/** Whether this is an array of text. */
export function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isFieldName(value: unknown): boolean {
  return typeof value === 'string' && token.test(value)
}
