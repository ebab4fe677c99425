import { equal, match } from 'node:assert/strict'
import { it } from 'mocha'
import { reportApp } from '../../examples/samples/51-stale-while-revalidate.ts'
import { listen } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('51-stale-while-revalidate', ({ store }) => {
  it('gives the old report while a new one is made, then the new one', async () => {
    let made = 0
    const { ask, close } = await serve(
      reportApp(await store(), '1ms', async () => {
        made += 1
        return made
      }),
    )
    const first = await ask('GET', '/report')
    equal(await first.json(), 1)
    const stale = await eventually('it is given stale', async () => {
      const answer = await ask('GET', '/report')
      // In the very millisecond in which its life ends it says 0.
      return /ttl=-\d+; detail=revalidating/.test(answer.headers.get('cache-status') ?? '')
        ? answer
        : undefined
    })
    const given = Number(await stale.json())
    match(stale.headers.get('cache-status') ?? '', /^memoryware; hit; ttl=-/)
    await eventually('a newer one comes', async () => {
      const answer = await ask('GET', '/report')
      return Number(await answer.json()) > given || undefined
    })
    await close()
  })

  it('gives the old report where making one fails, to who wants a new one', async () => {
    let away = false
    const app = reportApp(await store(), '1ms', async () => {
      if (away) throw new Error('The database is away')
      return 'as it was'
    })
    // Express prints what fails elsewhere.
    app.set('env', 'test')
    const { url, close } = await listen(app)
    const ask = (headers = {}) => fetch(`${url}/report`, { headers })
    equal(await (await ask()).json(), 'as it was')
    await eventually('it is stored', async () => {
      const answer = await ask()
      return /hit/.test(answer.headers.get('cache-status') ?? '') || undefined
    })
    away = true
    const answer = await ask({ 'cache-control': 'min-fresh=1' })
    equal(await answer.json(), 'as it was')
    equal(answer.headers.get('cache-status'), 'memoryware; fwd=stale; fwd-status=500; detail=error')
    await close()
  })
})
