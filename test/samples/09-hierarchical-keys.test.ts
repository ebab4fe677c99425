import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'mocha'
import { sessionsApp } from '../../examples/samples/03-sessions-of-a-user.ts'
import {
  forget,
  forgetConversations,
  keyOf,
  keysOf,
} from '../../examples/samples/09-hierarchical-keys.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('09-hierarchical-keys', ({ store: empty }) => {
  const users = ['user_123', 'user_1234', '*', 'a[b-c]?', 'back\\slash', 'x}{y']

  it('finds and removes what stands below a key, of one user alone', async () => {
    const store = await empty()
    for (const user of users)
      for (const part of ['theme', 'language']) await store.set(keyOf(user, 'prefs', part), part)
    for (const [at, user] of users.entries()) {
      const own = ['language', 'theme'].map((part) => keyOf(user, 'prefs', part))
      deepEqual((await keysOf(store, user)).toSorted(), own)
      deepEqual((await keysOf(store, user, 'prefs')).toSorted(), own)
      equal(await forget(store, user, 'prefs'), 2)
      equal((await store.keys('user:*')).length, 2 * (users.length - at - 1))
    }
  })

  it('removes every conversation of a user, and no other’s', async () => {
    const store = await empty()
    const app = await serve(sessionsApp(store, (req) => req.get('x-user')))
    const people = ['user_123', 'user_1234', 'a*b c', '*']
    for (const user of people)
      for (const id of ['tea', 'coffee'])
        await app.ask('POST', `/sessions/${id}`, { text: 'Hello' }, user)
    const left = async () => {
      const found = people.map((user) => app.json<unknown[]>('GET', '/sessions', undefined, user))
      return (await Promise.all(found)).map((sessions) => sessions.length)
    }
    await forgetConversations(store, 'user_123')
    deepEqual(await left(), [0, 2, 2, 2])
    deepEqual(await store.keys('session:{user_123}:*'), [])
    await forgetConversations(store, '*')
    await forgetConversations(store, 'a*b c')
    deepEqual(await left(), [0, 2, 0, 0])
    await app.close()
  })
})
