import assert from 'node:assert/strict'
import { parseList } from 'structured-headers'

/**
 * What a response says in `RateLimit-Policy` and `RateLimit`, after it is checked to be as the draft
 * has it: Lists of Strings (RFC 9651), each policy with a whole `q`, each state with a whole `r`, and
 * a policy for each state.
 */
export function limitFields({ headers }: Response): { policies: string[]; states: string[] } {
  const policies = itemsOf(headers.get('ratelimit-policy'), { q: 'always', w: 'maybe' })
  const states = itemsOf(headers.get('ratelimit'), { r: 'always', t: 'maybe' })
  assert.deepEqual(states, policies)
  return { policies, states }
}

function itemsOf(field: string | null, numbers: Record<string, 'always' | 'maybe'>): string[] {
  if (field === null) return []
  return parseList(field).map(([name, parameters]) => {
    assert.equal(typeof name, 'string', field)
    for (const [parameter, when] of Object.entries(numbers)) {
      const value = parameters.get(parameter)
      if (value === undefined && when === 'maybe') continue
      assert.ok(Number.isSafeInteger(value) && Number(value) >= 0, `${parameter} in ${field}`)
    }
    return String(name)
  })
}
