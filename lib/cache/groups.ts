import { parseList } from 'structured-headers'
import { type Fields, lineOf } from './fields.ts'

/** What RFC 9875 section 2 asks every cache to support at least; an entry carries other marks too. */
const mostGroups = 32

/**
 * The groups that a response belongs to (RFC 9875 section 2), each once, the first 32. Names are
 * compared character by character.
 */
export function groupsOf(fields: Fields): readonly string[] {
  return namesIn(lineOf(fields, 'cache-groups')).slice(0, mostGroups)
}

/**
 * The groups that a response to an unsafe request invalidates (RFC 9875 section 3), each once.
 * `isSafe()` tells which requests must not.
 */
export function invalidatedGroupsOf(fields: Fields): readonly string[] {
  return namesIn(lineOf(fields, 'cache-group-invalidation'))
}

/** The strings of a structured list; parameters and other members are ignored. */
function namesIn(line: string | undefined): string[] {
  if (line === undefined) return []
  try {
    const members = parseList(line).map(([value]) => value)
    return [...new Set(members.filter((value) => typeof value === 'string'))]
  } catch {
    // RFC 9651 section 4.2: a field that is no list is ignored.
    return []
  }
}
