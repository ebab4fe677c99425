import type { ServerResponse } from 'node:http'
import type { Fields } from './exchange.ts'

/** What stands on a response now, by lower-case name. */
export function standingFields(res: ServerResponse): Fields {
  const standing: Fields = Object.create(null)
  const headers = res.getHeaders()
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined)
      standing[name.toLowerCase()] = Array.isArray(value) ? [...value] : String(value)
  }
  return standing
}

/** One field that stands on a response now, as one line. */
export function standingLine(res: ServerResponse, name: string): string | undefined {
  const value = res.getHeader(name)
  if (value === undefined) return undefined
  return Array.isArray(value) ? value.join(', ') : String(value)
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
