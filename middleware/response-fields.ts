import type { ServerResponse } from 'node:http'
import type { Fields } from './exchange.ts'

/** What stands on a response now, by lower-case name. */
export function standingFields(res: ServerResponse): Fields {
  const standing: [string, string | readonly string[]][] = []
  for (const [name, value] of Object.entries(res.getHeaders())) {
    if (value !== undefined)
      standing.push([name.toLowerCase(), Array.isArray(value) ? [...value] : String(value)])
  }
  return Object.fromEntries(standing)
}

/** What stands there now and did not before, or not with this value. */
export function changedFields(now: Fields, before: Fields): Fields {
  return Object.fromEntries(
    Object.entries(now).filter(
      ([name, value]) => !(Object.hasOwn(before, name) && same(before[name], value)),
    ),
  )
}

type Value = string | readonly string[] | undefined

function same(one: Value, other: Value): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
