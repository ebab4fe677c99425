import type { Context, Next } from 'koa'

/** What a tenant has paid for. */
interface Plan {
  readonly name: string
  /** For each user. */
  readonly tokensAMinute: number
  /** For the whole tenant. */
  readonly tokensADay: number
  /** Answers at the same time, for each user. */
  readonly streams: number
}

/** A customer, and who works there. */
export interface Tenant {
  readonly id: string
  readonly name: string
  readonly plan: Plan
  readonly users: readonly string[]
}

/** Who asks. */
export interface Caller {
  /** Apart from users of other tenants: `acme.ann`. */
  readonly id: string
  readonly tenant: Tenant
}

const free: Plan = { name: 'Free', tokensAMinute: 400, tokensADay: 2500, streams: 1 }
const team: Plan = { name: 'Team', tokensAMinute: 1000, tokensADay: 20_000, streams: 2 }

/** Everybody there is. */
export const tenants: readonly Tenant[] = [
  { id: 'acme', name: 'Acme', plan: free, users: ['ann', 'ben'] },
  { id: 'globex', name: 'Globex', plan: team, users: ['cleo', 'dan'] },
]

const callers = new Map<string, Caller>(
  tenants.flatMap((tenant) =>
    tenant.users.map((user) => [`${tenant.id}.${user}`, { id: `${tenant.id}.${user}`, tenant }]),
  ),
)

/**
 * A stand-in for your sign-in: it believes the header `X-Demo-User`. What counts is what it leaves
 * behind: `ctx.state.user`, with an `id` that `rateLimit()` finds.
 */
export function signIn(ctx: Context, next: Next): Promise<void> {
  const caller = callers.get(ctx.get('X-Demo-User'))
  if (caller === undefined) ctx.throw(401, 'Name one of the users in X-Demo-User')
  ctx.state['user'] = caller
  return next()
}

/** Who has signed in. */
export function callerOf(ctx: Context): Caller {
  return ctx.state['user'] as Caller
}
