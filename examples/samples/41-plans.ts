import Koa, { type Context } from 'koa'
import { cached, type Store } from 'memoryware'
import { rateLimit } from 'memoryware/koa'

/** What a tenant has paid for. */
export interface Plan {
  readonly perMinute: number
  /** 0 lets nothing pass. @default no end */
  readonly perDay?: number
}

/** An API whose tenants have what their plans say, and whose users share what their tenant has. */
export function plannedApi(
  store: Store,
  {
    tenantOf,
    planOf,
  }: { tenantOf: (ctx: Context) => string | null; planOf: (tenant: string) => Promise<Plan> },
): Koa {
  // One look a tenant and ten seconds: a new plan holds soon, without a restart.
  const plan = cached(planOf, { name: 'plan', ttl: '10s', store })
  async function most(ctx: Context, which: keyof Plan): Promise<number> {
    const tenant = tenantOf(ctx)
    if (tenant === null) return 0
    // Not in the plan itself: JSON, in which it is kept, has no Infinity.
    return (await plan(tenant))[which] ?? Number.POSITIVE_INFINITY
  }

  const app = new Koa()
  app.use(
    rateLimit({
      store,
      key: tenantOf,
      limits: [
        { name: 'minute', limit: (ctx) => most(ctx, 'perMinute'), window: '1m' },
        { name: 'day', limit: (ctx) => most(ctx, 'perDay'), window: '1d' },
        // Whoever belongs to no tenant is counted by address, in a window of their own.
        {
          ...{ name: 'visitor', limit: 10, window: '1h' },
          key: (ctx) => (tenantOf(ctx) === null ? ctx.ip : null),
        },
      ],
    }),
  )
  app.use((ctx) => {
    ctx.body = ctx.rateLimit.limits
  })
  return app
}
