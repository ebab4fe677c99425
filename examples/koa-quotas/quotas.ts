import type { Context } from 'koa'
import type { Limiter } from 'memoryware'
import { rateLimit } from 'memoryware/koa'
import { askedOf } from './asked.ts'
import { promptTokens } from './model.ts'
import { type Caller, callerOf } from './people.ts'

/** Tokens that an answer is expected to take at most. The long one takes more. */
const expectedAnswer = 150

/** What a request reserves: the prompt, which is known, and an answer, which is not. */
export function estimate(ctx: Context): number {
  return promptTokens(askedOf(ctx).question) + expectedAnswer
}

/** Five rules, checked together: a request passes all of them or uses none. */
export function quotas(): ReturnType<typeof rateLimit> {
  return rateLimit({
    limits: [
      {
        name: 'requests',
        key: 'user',
        limit: 6,
        window: '1m',
        // What the model has broken is not the user's doing.
        refundIf: (_ctx, { status }) => status === undefined || status >= 500,
      },
      {
        name: 'tokens-minute',
        key: 'user',
        limit: (ctx) => callerOf(ctx).tenant.plan.tokensAMinute,
        window: '1m',
        cost: estimate,
        unit: 'tokens',
      },
      {
        name: 'tokens-day',
        key: (ctx) => callerOf(ctx).tenant.id,
        limit: (ctx) => callerOf(ctx).tenant.plan.tokensADay,
        window: '1d',
        cost: estimate,
        unit: 'tokens',
      },
      {
        name: 'streams',
        key: 'user',
        algorithm: 'concurrency',
        limit: (ctx) => callerOf(ctx).tenant.plan.streams,
        block: { after: 15, for: '15s', escalate: 'double' },
      },
      // Not yet in force: it shows whom it would refuse.
      { name: 'pace', key: 'user', limit: 2, window: '10s', mode: 'shadow' },
    ],
  })
}

const nothing = { requests: 0, 'tokens-minute': 0, 'tokens-day': 0, streams: 0, pace: 0 }

/** Where a caller stands: read from the store, so that it holds for all processes. */
export function standingOf(limit: Limiter<Context>, ctx: Context) {
  return limit.peek(keyOf(callerOf(ctx)), { request: ctx, cost: nothing })
}

/** Forgets what a caller and the tenant have used. Yours would ask for an operator's rights. */
export function reset(limit: Limiter<Context>, ctx: Context): Promise<void> {
  return limit.reset(keyOf(callerOf(ctx)))
}

function keyOf({ id, tenant }: Caller) {
  return { user: id, key: tenant.id }
}
