import { deepEqual, equal, ok } from 'node:assert/strict'
import { it } from 'mocha'
import { begin, end, find, save } from '../../examples/samples/01-sessions.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('01-sessions', ({ store: empty }) => {
  it('keeps a session from its beginning to its end', async () => {
    const store = await empty()
    const id = await begin(store, { userId: 'ann', cart: [] })
    deepEqual(await find(store, id), { userId: 'ann', cart: [] })
    await save(store, id, { userId: 'ann', cart: ['tea'] })
    deepEqual(await find(store, id), { userId: 'ann', cart: ['tea'] })
    equal(await end(store, id), true)
    equal(await find(store, id), undefined)
    equal(await end(store, id), false)
  })

  it('gives a session half an hour', async () => {
    const store = await empty()
    const id = await begin(store, { userId: 'ann', cart: [] })
    const left = (await store.ttl(`login:${id}`)) ?? 0
    ok(left > 1700 && left <= 1800, String(left))
  })
})
