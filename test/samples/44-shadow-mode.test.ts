import { deepEqual, doesNotMatch } from 'node:assert/strict'
import { it } from 'mocha'
import { countLimits, watchedApp } from '../../examples/samples/44-shadow-mode.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('44-shadow-mode', ({ store }) => {
  it('counts what a limit would refuse, and refuses what holds', async () => {
    const { ask, close } = await serve(watchedApp(await store()))
    const { counted, stop } = countLimits()
    const statuses: number[] = []
    for (let time = 0; time < 7; time += 1) statuses.push((await ask('GET', '/')).status)
    stop()
    deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429])
    deepEqual(counted, { requests: 7, refused: 2, wouldRefuse: { 'minute-soon': 4 } })
    await close()
  })

  it('tells clients nothing of it', async () => {
    const { ask, close } = await serve(watchedApp(await store()))
    const { headers } = await ask('GET', '/')
    doesNotMatch(`${headers.get('ratelimit')} ${headers.get('ratelimit-policy')}`, /soon/)
    await close()
  })

  it('counts no more once it is stopped', async () => {
    const { ask, close } = await serve(watchedApp(await store()))
    const { counted, stop } = countLimits()
    stop()
    await ask('GET', '/')
    deepEqual(counted, { requests: 0, refused: 0, wouldRefuse: {} })
    await close()
  })
})
