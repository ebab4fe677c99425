import type { Decision } from './verdict.ts'

/** An `application/problem+json` answer (RFC 9457), of the types the rate limit draft registers. */
export interface Problem {
  readonly status: number
  readonly body: Buffer
}

/** Too much was asked: 429. */
export function quotaExceeded({ violated }: Decision): Problem {
  return problem({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    status: 429,
    'violated-policies': violated,
  })
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
  return { status: members.status, body: Buffer.from(JSON.stringify(members)) }
}
