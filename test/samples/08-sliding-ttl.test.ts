import { equal, ok } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from 'memoryware'
import { it } from 'mocha'
import { slidingApp, touch } from '../../examples/samples/08-sliding-ttl.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('08-sliding-ttl', ({ store: empty }) => {
  async function left(store: Store, pattern: string): Promise<number> {
    const keys = await store.keys(pattern)
    return Math.min(...(await Promise.all(keys.map(async (key) => (await store.ttl(key)) ?? 0))))
  }

  it('lets a value last anew with each read', async () => {
    const store = await empty()
    await store.set('cart', ['tea'], { ttl: '1m' })
    equal((await touch<string[]>(store, 'cart', '30m'))?.[0], 'tea')
    ok((await left(store, 'cart')) > 1700)
    equal(await touch(store, 'absent', '30m'), undefined)
  })

  it('forgets a value that nobody reads', async () => {
    const store = await empty()
    await store.set('cart', ['tea'], { ttl: '1m' })
    await touch(store, 'cart', '50ms')
    await eventually('it is gone', async () => (await store.exists('cart')) === 0 || undefined)
  })

  it('lets a conversation last anew with each read', async () => {
    const store = await empty()
    const { ask, json, close } = await serve(slidingApp(store, '10s'))
    await ask('POST', '/')
    await sleep(500)
    const before = await left(store, 'session:*')
    equal(await json('GET', '/'), 1)
    ok((await left(store, 'session:*')) > before)
    await close()
  })
})
