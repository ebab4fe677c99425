import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import type { App } from '../support/apps.ts'
import { testStores } from '../support/stores.ts'
import { browser, loginFrameworks, type Setup } from './login-apps.ts'

for (const stores of testStores()) {
  for (const framework of loginFrameworks) {
    describe(`sessions on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(() => app?.close())
      after(() => stores.stop())

      async function visitor(setup: Setup = {}): Promise<ReturnType<typeof browser>> {
        app = await framework.serve({ store, ...setup })
        return browser(app)
      }

      it('keeps a session from request to request', async () => {
        const { get } = await visitor()
        for (const visits of [1, 2, 3]) {
          const { status, body } = await get('/')
          assert.deepEqual([status, body], [200, { visits }])
        }
        assert.equal((await store.keys('sess:*')).length, 1)
      })

      it('keeps a session as a value of the store, not as text in text', async () => {
        const { get } = await visitor()
        await get('/')
        const [key = ''] = await store.keys('sess:*')
        assert.equal((await store.get<{ visits: number }>(key))?.visits, 1)
      })

      it('keeps two sessions apart', async () => {
        const { get } = await visitor()
        await get('/')
        const other = browser(app as App)
        assert.deepEqual((await other.get('/')).body, { visits: 1 })
        assert.deepEqual((await get('/')).body, { visits: 2 })
      })

      it('forgets a session that is destroyed', async () => {
        const { get, cookies } = await visitor()
        await get('/')
        const kept = [...cookies].map((pair) => pair.join('=')).join('; ')
        await get('/logout')
        assert.deepEqual(await store.keys('sess:*'), [])
        assert.deepEqual((await get('/look', kept)).body, { visits: 0 })
      })

      it('keeps a session for its ttl where the cookie has no age', async () => {
        const { get } = await visitor({ ttl: '10m' })
        await get('/')
        const left = (await store.ttl((await store.keys('sess:*'))[0] ?? '')) ?? 0
        assert.ok(left > 595 && left <= 600, String(left))
      })

      it('keeps a session for SESSION_TTL without a ttl', async () => {
        const { get } = await visitor()
        await get('/')
        const left = (await store.ttl((await store.keys('sess:*'))[0] ?? '')) ?? 0
        assert.ok(left > 3595 && left <= 3600, String(left))
      })

      it("keeps a session for its cookie's age", async () => {
        const { get } = await visitor({ maxAge: 60_000, ttl: '1h' })
        await get('/')
        const left = (await store.ttl((await store.keys('sess:*'))[0] ?? '')) ?? 0
        // koa-session adds ten seconds, so that the cookie ends first.
        assert.ok(left > 55 && left <= 70, String(left))
      })

      it('keeps a session for as long as a store can where a cookie lives longer', async () => {
        const { get } = await visitor({ maxAge: 5e12 })
        assert.equal((await get('/')).status, 200)
        assert.deepEqual((await get('/')).body, { visits: 2 })
      })

      it('forgets a session whose time is over', async () => {
        const { get } = await visitor({ ttl: '50ms' })
        await get('/')
        await new Promise((resolve) => setTimeout(resolve, 80))
        assert.deepEqual((await get('/look')).body, { visits: 0 })
      })

      it('renews a session that is used', async () => {
        // express-session does so by itself.
        const { get } = await visitor({ rolling: framework.name === 'koa' })
        await get('/')
        const [key = ''] = await store.keys('sess:*')
        await store.expire(key, 5)
        await get('/look')
        assert.ok(((await store.ttl(key)) ?? 0) > 3000)
      })

      it('keeps sessions under a prefix of their own', async () => {
        const { get } = await visitor({ prefix: 'login[a-z]*:' })
        await get('/')
        assert.deepEqual((await get('/')).body, { visits: 2 })
        const keys = (await store.keys('*')).filter((key) => !key.startsWith('session:'))
        assert.equal(keys.length, 1)
        assert.ok(keys[0]?.startsWith('login[a-z]*:'))
      })

      it('makes another session of the one that is signed in', async () => {
        const { get, cookies } = await visitor()
        await get('/')
        const before = new Set(cookies.values())
        await get('/login?user=ann')
        assert.ok([...cookies.values()].some((value) => !before.has(value)))
        assert.equal((await store.keys('sess:*')).length, 1)
      })

      it('gives memory the user who signed in, and the guest before and after', async () => {
        const { get } = await visitor()
        await get('/say?text=as-a-guest')
        const guest = (await get('/said')).body
        assert.match(String(guest['user']), /^~/)
        assert.deepEqual(guest['said'], ['as-a-guest'])

        await get('/login?user=ann')
        assert.deepEqual((await get('/said')).body, { user: 'ann', said: [] })
        await get('/say?text=as-ann')
        assert.deepEqual((await get('/said')).body, { user: 'ann', said: ['as-ann'] })
        assert.ok((await store.keys('session:{ann}*')).length > 0)

        await get('/logout')
        assert.deepEqual((await get('/said')).body, guest)
      })

      it('gives memory the same user in another browser', async () => {
        const { get } = await visitor()
        await get('/login?user=ann')
        await get('/say?text=from-here')
        const other = browser(app as App)
        await other.get('/login?user=ann')
        assert.deepEqual((await other.get('/said')).body, { user: 'ann', said: ['from-here'] })
        await other.get('/login?user=bob')
        assert.deepEqual((await other.get('/said')).body, { user: 'bob', said: [] })
      })
    })
  }
}
