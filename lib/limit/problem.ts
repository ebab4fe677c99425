import { LRUCache } from 'lru-cache'

/** An `application/problem+json` answer (RFC 9457), of the types the rate limit draft registers. */
export interface Problem {
  readonly status: number
  readonly body: string
}

/** Who floods must not have each refusal written anew: the same rules refuse again and again. */
const written = new LRUCache<string, Problem>({ max: 256 })

/** Too much was asked: 429. */
export function quotaExceeded({ violated }: { readonly violated: readonly string[] }): Problem {
  const names = violated.join(' ')
  const known = written.get(names)
  if (known !== undefined) return known
  const made = problem({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    status: 429,
    'violated-policies': violated,
  })
  written.set(names, made)
  return made
}

/** Limits cannot be checked: 503. */
export function reducedCapacity(): Problem {
  return problem({
    type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
    title: 'Request cannot be satisfied due to temporary server capacity constraints',
    status: 503,
  })
}

function problem(members: { readonly status: number } & Record<string, unknown>): Problem {
  return { status: members.status, body: JSON.stringify(members) }
}
