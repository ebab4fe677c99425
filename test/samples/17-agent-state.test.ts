import { deepEqual, equal, ok } from 'node:assert/strict'
import { it } from 'mocha'
import { checkpoint, prefer, preferences, resume } from '../../examples/samples/17-agent-state.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('17-agent-state', ({ store: empty }) => {
  it('goes on with a run where it stood', async () => {
    const store = await empty()
    equal(await resume(store, 'run-1'), undefined)
    equal(await checkpoint(store, 'run-1', { goal: 'tea', done: [] }), 1)
    equal(await checkpoint(store, 'run-1', { goal: 'tea', done: ['boil'] }), 2)
    deepEqual(await resume(store, 'run-1'), { step: 2, state: { goal: 'tea', done: ['boil'] } })
  })

  it('gives all that belongs to a run a time to live', async () => {
    const store = await empty()
    await checkpoint(store, 'run-1', { goal: 'tea', done: [] })
    const keys = await store.keys('agent:{run-1}:*')
    equal(keys.length, 2)
    for (const key of keys) ok(((await store.ttl(key)) ?? Number.POSITIVE_INFINITY) <= 86_400)
  })

  it('keeps changes of preferences that come at once, and defaults for the rest', async () => {
    const store = await empty()
    deepEqual(await preferences(store, 'ann'), {
      language: 'en',
      tone: 'friendly',
      length: 'short',
    })
    await Promise.all([
      prefer(store, 'ann', { language: 'de' }),
      prefer(store, 'ann', { tone: 'formal' }),
      prefer(store, 'bob', { length: 'long' }),
    ])
    deepEqual(await preferences(store, 'ann'), { language: 'de', tone: 'formal', length: 'short' })
  })
})
