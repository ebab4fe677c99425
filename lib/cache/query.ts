import { unescape as decode } from 'node:querystring'

/** Which parts of the query choose the answer: all, only those listed, or all but those listed. */
export type QueryRule = true | readonly string[] | { readonly ignore: readonly string[] }

// Parsers stop somewhere (qs and node:querystring after 1,000 pairs): what stands behind is not read.
const mostPairs = 100

/** Whether all parsers agree where the query of this target ends: some stop at a `#`, some do not. */
export function isPlainTarget(url: string): boolean {
  return !url.includes('#')
}

/**
 * The part of a query that stands in the key, its pairs as they were sent, in their order: two
 * queries that any parser might read differently never become one: a query of more than a hundred
 * pairs stands there as a whole. A listed name also means `name[...]`.
 */
export function keyedQuery(query: string, rule: QueryRule): string {
  if (rule === true || query === '') return query
  const sent = query.split('&')
  if (sent.length > mostPairs) return query
  const keeps = 'ignore' in rule ? all(rule.ignore, false) : all(rule, true)
  return sent.filter(keeps).join('&')
}

function all(names: readonly string[], listed: boolean): (pair: string) => boolean {
  const set = new Set(names)
  return (pair) => {
    const name = nameOf(pair)
    // qs reads `[q]=1` as `q=1`: what begins with a bracket is always kept.
    if (name.startsWith('[')) return true
    return (set.has(name) || set.has(baseOf(name))) === listed
  }
}

function nameOf(pair: string): string {
  const end = pair.indexOf('=')
  return decode((end < 0 ? pair : pair.slice(0, end)).replaceAll('+', ' '))
}

function baseOf(name: string): string {
  const bracket = name.indexOf('[')
  return bracket < 0 ? name : name.slice(0, bracket)
}
