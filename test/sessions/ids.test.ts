import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { sessionStore as expressStore } from '../../middleware/express-session.ts'
import { sessionStore as koaStore } from '../../middleware/koa-session.ts'
import type { App } from '../support/apps.ts'
import { testStores } from '../support/stores.ts'
import { browser, loginFrameworks } from './login-apps.ts'

const hostile = [
  '*',
  '?',
  '[a-z]',
  '../other',
  'other:one',
  ':one',
  '{one}',
  '%6Fne',
  '__proto__',
  'x'.repeat(129),
  'x'.repeat(4000),
]

for (const stores of testStores()) {
  for (const framework of loginFrameworks) {
    describe(`hostile session ids on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
        app = await framework.serve({ store })
        const cookie = { originalMaxAge: null }
        for (const key of ['other', 'other:one', 'sess:other:one', 'sess::one', 'sess:one'])
          await store.set(key, { cookie, userId: 'admin', visits: 99 })
      })
      afterEach(() => app.close())
      after(() => stores.stop())

      for (const id of hostile) {
        it(`begins a new session for ${id.slice(0, 20)} (${id.length})`, async () => {
          const { get } = browser(app)
          const before = (await store.keys('*')).length
          const cookie = framework.cookieOf(id)
          assert.deepEqual((await get('/look', cookie)).body, { visits: 0 })
          const { status, body } = await get('/', cookie)
          assert.deepEqual([status, body], [200, { visits: 1 }])
          assert.equal((await store.keys('*')).length, before + 1)
          await get('/logout', cookie)
          assert.equal((await store.keys('*')).length, before + 1)
        })
      }
    })
  }
}

describe('ids that are no text', () => {
  let store: Store
  const [embedded] = testStores()
  before(async () => {
    await embedded?.start()
    store = (await embedded?.empty()) as Store
  })
  after(() => embedded?.stop())

  for (const id of [undefined, null, '', '\ud800', {}, ['a'], Number.NaN] as never[]) {
    it(`${JSON.stringify(id)} names no session`, async () => {
      const [sessions, others] = [expressStore({ store }), koaStore({ store })]
      const session = { cookie: { originalMaxAge: null } }
      assert.equal(await sessions.get(id), null)
      assert.equal(await others.get(id), undefined)
      await sessions.touch(id, session)
      await sessions.destroy(id)
      await others.destroy(id)
      await assert.rejects(sessions.set(id, session), { code: 'ERR_USAGE', status: 500 })
      await assert.rejects(others.set(id, session, 1000), { code: 'ERR_USAGE', status: 500 })
      assert.deepEqual(await store.keys('*'), [])
    })
  }
})
