import { deepEqual, equal, ok } from 'node:assert/strict'
import type { SessionInfo } from 'memoryware'
import { it } from 'mocha'
import {
  close,
  extend,
  isOpen,
  open,
  sessionsApp,
} from '../../examples/samples/03-sessions-of-a-user.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('03-sessions-of-a-user', ({ store: empty }) => {
  it('asks whether a session is there, extends it and ends it', async () => {
    const store = await empty()
    await open(store, 'ann', 'phone')
    equal(await isOpen(store, 'ann', 'phone'), true)
    const left = (await extend(store, 'ann', 'phone')) ?? 0
    ok(left > 3500 && left <= 3600, String(left))
    equal(await close(store, 'ann', 'phone'), 1)
    equal(await isOpen(store, 'ann', 'phone'), false)
    equal(await extend(store, 'ann', 'phone'), undefined)
  })

  it('ends all sessions of a user, and nobody else’s, whatever the user is called', async () => {
    const store = await empty()
    const users = ['ann', 'anna', '*', 'a?n']
    for (const user of users) for (const id of ['phone', 'laptop']) await open(store, user, id)
    equal(await close(store, '*'), 2)
    equal(await close(store, 'a?n'), 2)
    equal(await close(store, 'ann'), 2)
    deepEqual((await store.keys('*')).toSorted(), ['login:anna:laptop', 'login:anna:phone'])
  })

  it('lists and deletes the conversations of one user', async () => {
    const app = sessionsApp(await empty(), (req) => req.get('x-user'))
    const { ask, json, ...served } = await serve(app)
    const names = async (user: string) =>
      (await json<SessionInfo[]>('GET', '/sessions', undefined, user)).map(({ id }) => id)
    await ask('POST', '/sessions/tea', { text: 'Hello' }, 'ann')
    await ask('POST', '/sessions/coffee', { text: 'Hello' }, 'ann')
    await ask('POST', '/sessions/tea', { text: 'Hello' }, 'bob')
    deepEqual((await names('ann')).toSorted(), ['coffee', 'tea'])
    equal((await ask('DELETE', '/sessions/tea', undefined, 'ann')).status, 204)
    equal((await ask('DELETE', '/sessions/tea', undefined, 'ann')).status, 404)
    deepEqual([await names('ann'), await names('bob')], [['coffee'], ['tea']])
    await served.close()
  })
})
