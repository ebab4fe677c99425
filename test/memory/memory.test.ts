import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Memory, Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts } from '../support/apps.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`memory on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      after(() => stores.stop())

      async function serve(
        handle: (memory: Memory, exchange: Exchange) => unknown,
        options: Mounts['memory'] = {},
        mounts: Mounts = {},
      ): Promise<(headers?: Record<string, string>, path?: string) => Promise<Response>> {
        app = await framework.serve(
          { ...mounts, memory: { store, ...options } },
          async (exchange) => {
            const result = await handle(exchange.memory, exchange)
            exchange.send(200, result === undefined ? 'ok' : JSON.stringify(result))
          },
        )
        const { url } = app
        return (headers = {}, path = '/') => fetch(url + path, { method: 'POST', headers })
      }

      async function result(response: Promise<Response>): Promise<unknown> {
        return JSON.parse(await (await response).text())
      }

      const say = (memory: Memory, exchange: Exchange) =>
        memory.append({ role: 'user', content: exchange.query.get('say') ?? '' })
      const contents = async (memory: Memory) =>
        (await memory.history({ limit: 1000 })).items.map(({ content }) => content)

      afterEach(async () => {
        await app?.close()
        app = undefined
      })

      it('keeps 50 concurrent appends, in the order the store gave them', async () => {
        const seqs: number[] = []
        const call = await serve(async (memory, exchange) => {
          const said = exchange.query.get('say')
          if (said === null) return contents(memory)
          const { seq } = await memory.append({ role: 'user', content: said })
          seqs[seq - 1] = Number(said)
          return seq
        })
        const ann = { 'x-user': 'ann' }
        await Promise.all(Array.from({ length: 50 }, (_, n) => call(ann, `/?say=${n}`)))
        const kept = (await result(call(ann))) as string[]
        assert.equal(kept.length, 50)
        assert.deepEqual(kept.map(Number), seqs)
      })

      it('keeps each user apart', async () => {
        const call = await serve(async (memory, exchange) => {
          if (exchange.query.has('say')) await say(memory, exchange)
          return contents(memory)
        })
        await call({ 'x-user': 'ann' }, '/?say=secret')
        assert.deepEqual(await result(call({ 'x-user': 'bob' })), [])
        assert.deepEqual(await result(call({ 'x-user': 'ann' })), ['secret'])
      })

      it('keeps each session apart, named by X-Session-Id', async () => {
        const call = await serve(async (memory, exchange) => {
          if (exchange.query.has('say')) await say(memory, exchange)
          return { id: memory.id, said: await contents(memory) }
        })
        await call({ 'x-user': 'ann', 'x-session-id': 'one' }, '/?say=first')
        const other = await result(call({ 'x-user': 'ann', 'x-session-id': 'two' }))
        assert.deepEqual(other, { id: 'two', said: [] })
        assert.deepEqual(await result(call({ 'x-user': 'ann' })), { id: 'default', said: [] })
      })

      it('takes a message id once', async () => {
        const call = await serve(async (memory) => {
          const message = { id: 'm1', role: 'user', content: 'hello' } as const
          const first = await memory.append(message)
          const again = await memory.append([message, { role: 'assistant', content: 'hi' }])
          return { first, again, said: await contents(memory) }
        })
        const { first, again, said } = (await result(call({ 'x-user': 'ann' }))) as never as {
          first: { added: number; rev: number }
          again: { added: number; duplicates: number; rev: number }
          said: string[]
        }
        assert.equal(first.added, 1)
        assert.deepEqual([again.added, again.duplicates], [1, 1])
        assert.deepEqual(said, ['hello', 'hi'])
      })

      it('gives a window that begins with a turn', async () => {
        const call = await serve(
          async (memory) => {
            for (let turn = 0; turn < 20; turn++)
              await memory.append([
                { role: 'user', content: `q${turn}` },
                { role: 'assistant', content: `a${turn}` },
              ])
            const { messages } = await memory.context()
            return messages.map(({ content }) => content)
          },
          { context: { messages: 7 } },
        )
        const window = (await result(call({ 'x-user': 'ann' }))) as string[]
        assert.match(window[0] ?? '', /^q/)
        assert.equal(window.at(-1), 'a19')
        assert.ok(window.length <= 7 && window.length >= 4, String(window))
      })

      it('keeps the system message in the window, and a long newest turn whole', async () => {
        const call = await serve(
          async (memory) => {
            await memory.append({ role: 'system', content: 'be brief' })
            await memory.append([
              { role: 'user', content: 'q0' },
              { role: 'assistant', content: 'a0' },
            ])
            await memory.append({ role: 'user', content: 'look it up' })
            for (let step = 0; step < 9; step++)
              await memory.append([
                { role: 'assistant', content: `step ${step}` },
                { role: 'tool', content: `found ${step}` },
              ])
            const { messages } = await memory.context()
            return messages.map(({ content }) => content)
          },
          { context: { messages: 6 } },
        )
        const window = (await result(call({ 'x-user': 'ann' }))) as string[]
        assert.deepEqual(window.slice(0, 2), ['be brief', 'look it up'])
        assert.equal(window.length, 20)
      })

      it('bounds the window in tokens, at a turn', async () => {
        const call = await serve(
          async (memory) => {
            for (let turn = 0; turn < 5; turn++)
              await memory.append([
                { role: 'user', content: `q${turn}` },
                { role: 'assistant', content: `a${turn}` },
              ])
            const { messages, tokens } = await memory.context({ tokens: 45 })
            return { said: messages.map(({ content }) => content), tokens }
          },
          { context: { count: () => 10 } },
        )
        assert.deepEqual(await result(call({ 'x-user': 'ann' })), {
          said: ['q3', 'a3', 'q4', 'a4'],
          tokens: 40,
        })
      })

      it('drops the oldest turns above maxStored, whole', async () => {
        const call = await serve(
          async (memory) => {
            for (let turn = 0; turn < 30; turn++)
              await memory.append([
                { role: 'user', content: `q${turn}` },
                { role: 'assistant', content: `a${turn}` },
              ])
            return contents(memory)
          },
          { context: { messages: 4 }, maxStored: 12 },
        )
        const kept = (await result(call({ 'x-user': 'ann' }))) as string[]
        assert.ok(kept.length <= 12 && kept.length >= 8, String(kept.length))
        assert.match(kept[0] ?? '', /^q/)
        assert.equal(kept.at(-1), 'a29')
      })

      it('pages through the history, oldest first inside a page', async () => {
        const call = await serve(async (memory) => {
          for (let n = 1; n <= 12; n++) await memory.append({ role: 'user', content: String(n) })
          const pages: unknown[] = []
          let before: number | undefined
          do {
            const page = await memory.history({ limit: 5, ...(before ? { before } : {}) })
            pages.push(page.items.map(({ content }) => Number(content)))
            before = page.next
          } while (before !== undefined)
          return pages
        })
        assert.deepEqual(await result(call({ 'x-user': 'ann' })), [
          [8, 9, 10, 11, 12],
          [3, 4, 5, 6, 7],
          [1, 2],
        ])
      })

      it('lists the sessions of the user, last active first, and deletes them', async () => {
        const call = await serve(async (memory) => {
          for (const id of ['one', 'two', 'three']) {
            await memory.open(id).append({ role: 'user', content: `about ${id}` })
            await new Promise((done) => setTimeout(done, 5))
          }
          const first = await memory.sessions.list({ limit: 2 })
          const rest = await memory.sessions.list({ limit: 2, before: first.next ?? '' })
          return {
            titles: [...first.items, ...rest.items].map(({ title }) => title),
            deleted: [await memory.sessions.delete('two'), await memory.sessions.delete('two')],
            left: (await memory.sessions.list()).items.map(({ id }) => id),
            gone: await contents(memory.open('two')),
          }
        })
        assert.deepEqual(await result(call({ 'x-user': 'ann' })), {
          titles: ['about three', 'about two', 'about one'],
          deleted: [true, false],
          left: ['three', 'one'],
          gone: [],
        })
      })

      it('refuses an append to a session that changed', async () => {
        const call = await serve(async (memory) => {
          const { rev } = await memory.append({ role: 'user', content: 'one' })
          await memory.append({ role: 'user', content: 'two' }, { ifRev: rev })
          await memory.append({ role: 'user', content: 'three' }, { ifRev: rev })
        })
        assert.equal((await call({ 'x-user': 'ann' })).status, 409)
      })

      it('gives a guest a cookie at the first use, and knows the guest by it', async () => {
        const call = await serve(
          async (memory, exchange) => {
            if (exchange.query.has('say')) await say(memory, exchange)
            return { user: memory.user, said: await contents(memory) }
          },
          {},
          { signIn: false },
        )
        const first = await call({}, '/?say=hello')
        const cookie = first.headers.get('set-cookie') ?? ''
        assert.match(
          cookie,
          /^memoryware\.guest=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
        )
        const again = await call({ cookie: cookie.split(';')[0] ?? '' })
        assert.equal(again.headers.get('set-cookie'), null)
        const { user, said } = (await again.json()) as { user: string; said: string[] }
        assert.deepEqual(said, ['hello'])
        assert.match(user, /^~/)
        assert.deepEqual(((await (await call({})).json()) as { said: string[] }).said, [])
      })

      it('knows a guest again whose first request failed', async () => {
        const call = await serve(
          async (memory) => {
            await memory.append({ role: 'user', content: 'hello' })
            throw Object.assign(new Error('no luck'), { status: 422, expose: true })
          },
          {},
          { signIn: false, limit: { store, limit: 100, window: '1m' } },
        )
        const failed = await call({})
        assert.equal(failed.status, 422)
        assert.match(failed.headers.get('set-cookie') ?? '', /^memoryware\.guest=/)
        assert.ok(failed.headers.get('ratelimit'))
      })

      it('refuses an append that it would trim itself, and a rev that is none', async () => {
        const call = await serve(
          async (memory, exchange) => {
            const count = Number(exchange.query.get('count'))
            const many = Array.from(
              { length: count },
              () => ({ role: 'user', content: 'x' }) as const,
            )
            if (count > 0) return memory.append(many)
            return memory.append({ role: 'user', content: 'x' }, { ifRev: -1 })
          },
          { context: { messages: 4 }, maxStored: 12 },
        )
        assert.equal((await call({ 'x-user': 'ann' }, '/?count=10')).status, 413)
        assert.equal((await call({ 'x-user': 'ann' }, '/?count=9')).status, 200)
        assert.equal((await call({ 'x-user': 'ann' }, '/?count=0')).status, 500)
      })

      it('marks the cookie Secure on https', async () => {
        const call = await serve(() => undefined, {}, { signIn: false, trustProxy: true })
        const answer = await call({ 'x-forwarded-proto': 'https' })
        assert.match(answer.headers.get('set-cookie') ?? '', /; Secure$/)
      })

      it('takes no guest from a forged cookie', async () => {
        const call = await serve((memory) => memory.user, {}, { signIn: false })
        for (const forged of ['x', '../../../../../../etc', 'a'.repeat(500), '%00'.repeat(8)]) {
          const answer = await call({ cookie: `memoryware.guest=${forged}` })
          assert.ok(answer.headers.get('set-cookie'), forged)
        }
      })

      it('sets nothing and keeps nothing where memory is not used', async () => {
        app = await framework.serve({ memory: { store }, signIn: false }, (exchange) =>
          exchange.send(200, 'ok'),
        )
        const answer = await fetch(app.url)
        assert.equal(answer.headers.get('set-cookie'), null)
        assert.deepEqual(await store.keys('*'), [])
      })

      for (const id of [
        '*',
        'a:b',
        '{x}',
        '~a',
        '..',
        '__proto__',
        'm',
        'state',
        'ü',
        '%2A',
        '\\',
      ]) {
        it(`takes ${JSON.stringify(id)} as a session of its own`, async () => {
          const call = await serve(async (memory) => {
            await memory.open('other').append({ role: 'user', content: 'theirs' })
            await memory.open(id).append({ role: 'user', content: 'mine' })
            const { items } = await memory.sessions.list()
            return {
              said: await contents(memory.open(id)),
              ids: items.map((each) => each.id).sort(),
            }
          })
          assert.deepEqual(await result(call({ 'x-user': 'ann' })), {
            said: ['mine'],
            ids: [id, 'other'].sort(),
          })
        })
      }

      for (const id of ['', 'x'.repeat(129), 'ü'.repeat(65)]) {
        it(`answers 400 to a session id of ${id.length} characters that is none`, async () => {
          const call = await serve((memory, exchange) =>
            memory.open(exchange.query.get('id') ?? ''),
          )
          const path = `/?id=${encodeURIComponent(id)}`
          assert.equal((await call({ 'x-user': 'ann' }, path)).status, 400)
        })
      }

      for (const [fault, message, status] of [
        ['no role', { content: 'x' }, 400],
        ['an unknown role', { role: 'admin', content: 'x' }, 400],
        ['a role of the prototype', { role: '__proto__', content: 'x' }, 400],
        ['no content', { role: 'user' }, 400],
        ['content that is a number', { role: 'user', content: 7 }, 400],
        ['parts that are text', { role: 'user', content: ['x'] }, 400],
        ['an empty id', { id: '', role: 'user', content: 'x' }, 400],
        ['more than 64 KiB', { role: 'user', content: 'x'.repeat(65_537) }, 413],
        ['nothing', null, 400],
      ] as const) {
        it(`answers ${status} to a message with ${fault}, and keeps nothing of the append`, async () => {
          const call = await serve(async (memory, exchange) => {
            if (exchange.query.has('read')) return contents(memory)
            const good = { role: 'user', content: 'good' } as const
            return memory.append([good, message as never])
          })
          assert.equal((await call({ 'x-user': 'ann' })).status, status)
          assert.deepEqual(await result(call({ 'x-user': 'ann' }, '/?read')), [])
        })
      }

      it('gives back what a provider put on a message, and parts as parts', async () => {
        const messages = [
          { role: 'user', content: [{ type: 'text', text: 'hi' }] },
          { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function' }] },
          { role: 'tool', tool_call_id: 'c1', content: '42' },
        ] as const
        const call = await serve(async (memory) => {
          await memory.append(messages)
          const { items } = await memory.history()
          return items.map(({ id: _, createdAt: __, ...rest }) => rest)
        })
        assert.deepEqual(await result(call({ 'x-user': 'ann' })), messages)
      })
    })
  }
}
