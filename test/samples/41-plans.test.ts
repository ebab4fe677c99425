import { deepEqual, equal } from 'node:assert/strict'
import type { Context } from 'koa'
import type { LimitStanding } from 'memoryware'
import { it } from 'mocha'
import { type Plan, plannedApi } from '../../examples/samples/41-plans.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

const plans: Readonly<Record<string, Plan>> = {
  free: { perMinute: 2, perDay: 100 },
  pro: { perMinute: 5, perDay: 10_000 },
  own: { perMinute: 30 },
  unpaid: { perMinute: 2, perDay: 0 },
}
const tenantOf = (ctx: Context) => ctx.get('x-user') || null

onEachProvider('41-plans', ({ store }) => {
  async function api() {
    const looked: string[] = []
    async function planOf(tenant: string): Promise<Plan> {
      looked.push(tenant)
      return plans[tenant.split('-')[0] ?? ''] ?? { perMinute: 0, perDay: 0 }
    }
    const app = plannedApi(await store(), { tenantOf, planOf })
    const { ask, close } = await serve(app.callback())
    const call = (tenant?: string) => ask('GET', '/', undefined, tenant)
    return { looked, call, close }
  }

  it('gives each tenant what the plan says', async () => {
    const { call, close } = await api()
    const statuses = async (tenant: string) => {
      const answers = []
      for (let time = 0; time < 6; time += 1) answers.push((await call(tenant)).status)
      return answers
    }
    deepEqual(await statuses('free-1'), [200, 200, 429, 429, 429, 429])
    deepEqual(await statuses('pro-1'), [200, 200, 200, 200, 200, 429])
    deepEqual(await statuses('unpaid-1'), [429, 429, 429, 429, 429, 429])
    await close()
  })

  it('counts nothing where the plan has no end', async () => {
    const { call, close } = await api()
    const limits = (await (await call('own-1')).json()) as Record<string, LimitStanding>
    deepEqual(Object.keys(limits), ['minute'])
    equal(limits['minute']?.limit, 30)
    await close()
  })

  it('looks a plan up once', async () => {
    const { looked, call, close } = await api()
    await Promise.all([call('pro-1'), call('pro-1')])
    await call('pro-1')
    deepEqual(looked, ['pro-1'])
    await close()
  })

  it('counts visitors by address, apart from tenants', async () => {
    const { call, close } = await api()
    deepEqual(Object.keys((await (await call()).json()) as object), ['visitor'])
    await close()
  })
})
