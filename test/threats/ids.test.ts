import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { escapePattern, keyPart, type Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'

/** Ids that a pattern, a key, a Cluster, a script or a line of text reads as something else. */
const hostile = [
  ...['*', '[^z]*', ':', '{x}', '}{', '~guest', 'a\0b', 'a\r\nb', '%2A', '..', '|', '\\'],
  ...['\u{1F511}', '__proto__', 'undefined', 'm', 'gone'],
]
const globs = ['*', 'u1*', '[^z]*'] as const
const others = Array.from({ length: 1000 }, (_, at) => `u${at}`)
const kinds = ['note', 'draft', 'seen'] as const

async function fill(store: Store): Promise<void> {
  for (const kind of kinds)
    await store.mset(Object.fromEntries(others.map((user) => [`app:${user}:${kind}`, user])))
}

for (const stores of bothProviders()) {
  describe(`threat: glob characters in ids, over ${stores.name}`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    after(() => stores.stop())

    it('remove nobody else by a pattern of keyPart() or escapePattern()', async () => {
      await fill(store)
      for (const id of globs) {
        await store.set(`app:${keyPart(id)}:note`, id)
        await store.set(`app:${id}:note`, id)
        assert.equal(await store.deletePattern(`app:${keyPart(id)}:*`), 1, id)
        assert.equal(await store.deletePattern(`app:${escapePattern(id)}:*`), 1, id)
      }
      assert.equal((await store.keys('app:*')).length, 3000)
    })

    it('remove 3,000 of 3,000 by a pattern of the raw id: the check bites', async () => {
      await fill(store)
      assert.equal(await store.deletePattern(`app:${'*'}:*`), 3000)
    })
  })

  for (const framework of frameworks) {
    describe(`threat: hostile ids of users and sessions, on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined
      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(async () => {
        await app?.close()
        app = undefined
      })
      after(() => stores.stop())

      /** An app whose user is whatever the test says. */
      async function serve(
        whoever: () => unknown,
        handle: (exchange: Exchange) => unknown,
      ): Promise<string> {
        const memory = { store, user: whoever } as Mounts['memory'] & object
        app = await framework.serve({ memory, signIn: false }, handle)
        return app.url
      }

      it('glob characters: who is forgotten takes nobody along', async () => {
        let user = ''
        const url = await serve(
          () => user,
          async ({ memory, query, send }) => {
            if (query.has('forget')) return send(200, String(await memory.sessions.forget()))
            await memory.append({ role: 'user', content: user })
            await memory.preferences.set({ name: user })
            send(200, 'ok')
          },
        )
        for (user of ['ann', 'u1', 'u12', ...globs]) await fetch(url)
        for (user of globs) assert.equal(await (await fetch(`${url}/?forget`)).text(), '1', user)
        const left = await store.keys('*')
        const kept = left.filter((key) => !key.endsWith(':gone'))
        // On Redis messages have a key of their own beside session, index and preferences.
        const each = stores.name === 'redis' ? 4 : 3
        for (const name of ['ann', 'u1', 'u12'])
          assert.equal(kept.filter((key) => key.includes(`{${name}}`)).length, each, name)
        assert.equal(kept.length, 3 * each, String(kept))
      })

      it('separators, braces, NUL and line ends: each pair of user and session is its own', async () => {
        let user: unknown
        const url = await serve(
          () => user,
          async ({ memory, body, send }) => {
            const { session, say } = JSON.parse(body)
            const opened = memory.open(session)
            if (say) await opened.append({ id: 'same', role: 'user', content: say })
            const { items } = await opened.history()
            send(200, { user: memory.user, id: opened.id, said: items.map((each) => each.content) })
          },
        )
        const ask = async (session: string, say?: string) =>
          (await fetch(url, { method: 'POST', body: JSON.stringify({ session, say }) })).json()
        const pairs = [
          ...[
            ['a', 'b:c'],
            ['a:b', 'c'],
            ['a', 'b'],
            ['a:b:c', 'd'],
            ['a', 'b:m'],
            ['{a}', 'b'],
          ],
          ...hostile.flatMap((each) => [
            [each, 'x'],
            ['x', each],
          ]),
        ] as [string, string][]
        for (const [name, session] of pairs) {
          user = name
          await ask(session, `${name}|${session}`)
        }
        for (const [name, session] of pairs) {
          user = name
          const expected = { user: name, id: session, said: [`${name}|${session}`] }
          assert.deepEqual(await ask(session), expected)
        }
        const slots = (await store.keys('*')).map((key) => key.match(/[{}]/g)?.join(''))
        assert.ok(slots.every((braces) => braces === '{}'))
      })

      it('of clients that name nothing are refused with 400, 1 MB of them too', async () => {
        const url = await serve(
          () => 'ann',
          async ({ memory, body, send }) => {
            const { id, message } = JSON.parse(body)
            if (message === undefined) await memory.open(id).append({ role: 'user', content: 'x' })
            else await memory.append({ id: message, role: 'user', content: 'x' })
            send(200, 'ok')
          },
        )
        const status = async (body: string) => (await fetch(url, { method: 'POST', body })).status
        const million = JSON.stringify('x'.repeat(1_000_000))
        const none = [
          '""',
          'null',
          '{}',
          '[]',
          '["a"]',
          'true',
          '1.5',
          '1e30',
          '"\\ud800"',
          million,
        ]
        for (const id of ['', ...none.map((each) => `"id":${each}`)])
          assert.equal(await status(`{${id}}`), 400, id.slice(0, 40))
        for (const each of ['""', '{}', '[]', 'true', '1.5', '"a\\udc00"', million])
          assert.equal(await status(`{"message":${each}}`), 400, each.slice(0, 40))
        for (const field of ['x'.repeat(129), ''])
          assert.equal(
            await fetch(url, {
              method: 'POST',
              body: '{"message":"m"}',
              headers: { 'x-session-id': field },
            }).then((answer) => answer.status),
            400,
          )
        assert.deepEqual(await store.keys('*'), [])
      })

      it('of the application that name nobody are its own error: 500, and nothing is written', async () => {
        let user: unknown
        const url = await serve(
          () => user,
          async ({ memory, send }) => {
            await memory.append({ role: 'user', content: 'x' })
            send(200, 'ok')
          },
        )
        const none = ['', '\ud800', 'a\udfff', 'x'.repeat(1_000_000), Number.NaN, 1.5, 1e30, {}, []]
        for (user of [...none, ['ann'], true, Symbol.iterator, () => 'ann', new String('ann')]) {
          const answer = await fetch(url)
          assert.equal(answer.status, 500)
          assert.equal(await answer.text(), 'Internal Server Error')
        }
        assert.deepEqual(await store.keys('*'), [])
        // Nobody signed in: each is a guest of its own, and no user is called undefined or null.
        for (user of [undefined, null]) assert.equal((await fetch(url)).status, 200)
        const owners = (await store.keys('session:*:default')).map((key) => key.slice(0, 10))
        assert.deepEqual(owners, ['session:{~', 'session:{~'])
      })
    })
  }
}

describe('threat: glob characters in ids, beside a naive pattern on Redis', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  it('removes 3,000 of 3,000 keys where a user is called *', async () => {
    const client = server.client()
    const keys = others.flatMap((user) => kinds.map((kind) => `history:${user}:${kind}`))
    await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])))
    const forget = async (user: string) => {
      for await (const found of client.scanStream({ match: `history:${user}:*`, count: 1000 }))
        if (found.length > 0) await client.unlink(...(found as string[]))
    }
    await forget('*')
    assert.equal(await client.dbsize(), 0)
  })
})
