import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks, type Mounts } from '../support/apps.ts'
import { testStores } from '../support/stores.ts'

const ann = { 'x-user': 'ann' }
const bob = { 'x-user': 'bob' }

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`routes over sessions on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
        await serve()
      })
      afterEach(() => app?.close())
      after(() => stores.stop())

      async function serve(mounts: Mounts = {}): Promise<void> {
        await app?.close()
        const routes = { routes: 'behind', memory: { store }, ...mounts } as const
        app = await framework.serve(routes, async ({ memory, query, send }) => {
          const ids = query.get('ids')?.split(',') ?? []
          for (const id of ids) {
            const role = id.startsWith('a') ? 'assistant' : 'user'
            await memory.append({ id, role, content: `text of ${id}` })
          }
          send(200, 'said')
        })
      }

      /** Says something in a session, in another route of the app. */
      const say = (session: string, ids: string, headers: Record<string, string> = ann) =>
        fetch(`${app?.url}/say?ids=${ids}`, {
          method: 'POST',
          headers: { 'x-session-id': session, ...headers },
        })

      function call(
        line: string,
        { body, headers = ann }: { body?: unknown; headers?: Record<string, string> } = {},
      ): Promise<Response> {
        const [method = 'GET', path] = line.split(' ')
        return fetch(`${app?.url}/chats${path}`, {
          method,
          headers:
            body === undefined ? headers : { 'content-type': 'application/json', ...headers },
          ...(body === undefined
            ? {}
            : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        })
      }

      // biome-ignore lint/suspicious/noExplicitAny: what a client finds in JSON
      const json = async (answer: Promise<Response>): Promise<any> => (await answer).json()

      it('list a user’s sessions, page by page, and find them by title', async () => {
        for (const id of ['one', 'two', 'three']) await say(id, `q${id}`)
        const first = await json(call('GET /?limit=2'))
        assert.equal(first.items.length, 2)
        const rest = await json(call(`GET /?limit=2&before=${encodeURIComponent(first.next)}`))
        const ids = [...first.items, ...rest.items].map(({ id }) => id)
        assert.deepEqual(ids.toSorted(), ['one', 'three', 'two'])
        assert.equal(rest.next, undefined)
        const found = await json(call('GET /?q=QTWO'))
        assert.deepEqual(
          found.items.map(({ id }: { id: string }) => id),
          ['two'],
        )
        assert.deepEqual((await json(call('GET /', { headers: bob }))).items, [])
      })

      it('tell of a session, and page through its messages', async () => {
        await say('a/b c', 'q1,a2,q3')
        const answer = await call('GET /a%2Fb%20c')
        assert.equal(answer.headers.get('cache-control'), 'private, no-store')
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
        const { id, messages, title, pinned, running } = (await answer.json()) as never
        assert.deepEqual(
          [id, messages, title, pinned, running],
          ['a/b c', 3, 'text of q1', false, false],
        )
        const page = await json(call('GET /a%2Fb%20c/messages?limit=2'))
        assert.deepEqual(
          page.items.map((each: { id: string }) => each.id),
          ['a2', 'q3'],
        )
        const older = await json(call(`GET /a%2Fb%20c/messages?before=${page.next}`))
        assert.deepEqual([older.items.length, older.items[0].role], [1, 'user'])
      })

      it('rename and pin a session, and keep meta with it', async () => {
        await say('one', 'q1')
        const info = await json(
          call('PATCH /one', { body: { title: ' New  name ', pinned: true, meta: { a: 1 } } }),
        )
        assert.deepEqual([info.title, info.pinned, info.meta], ['New name', true, { a: 1 }])
        const cleared = await json(call('PATCH /one', { body: { title: null, meta: null } }))
        assert.deepEqual(
          [cleared.title, cleared.pinned, cleared.meta],
          [undefined, true, undefined],
        )
      })

      it('rewind and fork a session at a message', async () => {
        await say('one', 'q1,a2,q3')
        const forked = await call('POST /one/fork', { body: { message: 'a2' } })
        assert.equal(forked.status, 201)
        const fork = (await forked.json()) as { id: string; messages: number }
        assert.equal(forked.headers.get('location'), `/chats/${fork.id}`)
        assert.equal(fork.messages, 2)
        assert.deepEqual(await json(call('POST /one/rewind', { body: { message: 'a2' } })), {
          removed: 2,
        })
        assert.equal((await json(call('GET /one'))).messages, 1)
        assert.equal((await json(call(`GET /${fork.id}`))).messages, 2)
        assert.equal((await call('POST /one/fork')).status, 201)
      })

      it('delete a session, and all', async () => {
        for (const id of ['one', 'two', 'three']) await say(id, 'q1')
        await say('his', 'q1', bob)
        assert.equal((await call('DELETE /one')).status, 204)
        assert.equal((await call('DELETE /one')).status, 404)
        assert.deepEqual(await json(call('DELETE /')), { removed: 2 })
        assert.deepEqual((await json(call('GET /'))).items, [])
        assert.equal((await json(call('GET /', { headers: bob }))).items.length, 1)
      })

      it('export one session or all as a file of JSON lines', async () => {
        await say('one', 'q1,a2')
        await say('two', 'q3')
        const one = await call('GET /one/export')
        assert.equal(one.headers.get('content-type'), 'application/jsonl')
        assert.match(one.headers.get('content-disposition') ?? '', /^attachment; filename="session/)
        assert.equal(one.headers.get('cache-control'), 'private, no-store')
        const lines = (await one.text())
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
        assert.deepEqual(
          lines.map(({ type, id }) => [type, id]),
          [
            ['session', 'one'],
            ['message', 'q1'],
            ['message', 'a2'],
          ],
        )
        const all = await (await call('GET /export')).text()
        assert.equal(all.trim().split('\n').length, 5)
        assert.equal(await (await call('GET /export', { headers: bob })).text(), '')
      })

      it('read and change preferences, as a merge patch has it', async () => {
        assert.deepEqual(await json(call('GET /preferences')), {})
        const body = { theme: 'dark', list: [1], gone: 1 }
        assert.deepEqual(await json(call('PATCH /preferences', { body })), body)
        const patched = await json(
          call('PATCH /preferences', { body: { gone: null, theme: 'light' } }),
        )
        assert.deepEqual(patched, { theme: 'light', list: [1] })
        assert.deepEqual(await json(call('GET /preferences', { headers: bob })), {})
      })

      it('answer 204 where no answer is being given that could be followed or stopped', async () => {
        await say('one', 'q1')
        assert.equal((await call('GET /one/stream')).status, 204)
        assert.equal((await call('POST /one/stop')).status, 204)
        assert.equal((await call('POST /one/stop', { body: { message: 'q1' } })).status, 204)
        assert.equal((await call('POST /one/stop', { body: { message: 7.5 } })).status, 400)
        assert.equal((await call('GET /one/stream?as=carrier-pigeon')).status, 400)
      })

      it('answer unknown and foreign sessions alike', async () => {
        await say('secret', 'q1,a2')
        await call('PATCH /secret', { body: { title: 'secret' } })
        const before = await json(call('GET /secret'))
        for (const [line, body] of [
          ['GET /ID'],
          ['GET /ID/messages'],
          ['GET /ID/state'],
          ['GET /ID/export'],
          ['GET /ID/stream'],
          ['PATCH /ID', { title: 'mine now' }],
          ['POST /ID/rewind', { message: 'q1' }],
          ['POST /ID/fork', { message: 'q1' }],
          ['POST /ID/fork'],
          ['POST /ID/stop'],
          ['DELETE /ID'],
        ] as const) {
          const answers: unknown[] = []
          for (const id of ['secret', 'unknown']) {
            const answer = await call(line.replace('ID', id), { body, headers: bob })
            const fields = [...answer.headers].filter(([name]) => name !== 'date')
            answers.push([answer.status, fields, await answer.text()])
          }
          assert.deepEqual(answers[0], answers[1], line)
          assert.match(JSON.stringify(answers[0]), /^\[404,.*problem\+json/)
        }
        assert.deepEqual(await json(call('GET /secret')), before)
        assert.deepEqual((await json(call('GET /', { headers: bob }))).items, [])
      })

      for (const [fault, line, body, status] of [
        ['a role in a rewind', 'POST /one/rewind', { message: 'a2', role: 'system' }, 400],
        ['a role in a rename', 'PATCH /one', { title: 'x', role: 'system' }, 400],
        ['a system message in a rename', 'PATCH /one', { system: 'obey' }, 400],
        ['state in a rename', 'PATCH /one', { state: { admin: true } }, 400],
        [
          'a message with a role to fork at',
          'POST /one/fork',
          { message: { role: 'system' } },
          400,
        ],
        ['a rewind to nothing', 'POST /one/rewind', {}, 400],
        ['a message id that is none', 'POST /one/rewind', { message: '' }, 400],
        ['an unknown message', 'POST /one/rewind', { message: 'nope' }, 404],
        ['an array', 'PATCH /one', [1], 400],
        ['null', 'PATCH /one', 'null', 400],
        ['what is no JSON', 'PATCH /preferences', '{"a":', 400],
        ['a title of 1 MB', 'PATCH /one', { title: 'x'.repeat(1_000_000) }, 413],
        ['a title above 1,000 characters', 'PATCH /one', { title: 'x'.repeat(1001) }, 413],
        ['meta above 16 KiB', 'PATCH /one', { meta: { x: 'x'.repeat(17_000) } }, 413],
        ['a body of 10 MB', 'PATCH /preferences', { x: 'x'.repeat(10_000_000) }, 413],
        ['a long preference', 'PATCH /preferences', { x: 'x'.repeat(70_000) }, 413],
        ['a limit that is none', 'GET /?limit=many', undefined, 400],
        ['a limit of 0', 'GET /one/messages?limit=0', undefined, 400],
        ['a page that is none', 'GET /?before=../..', undefined, 400],
        ['an id that is not well-formed', 'GET /%E0%A4%A', undefined, 400],
        ['an id that is too long', `GET /${'x'.repeat(129)}`, undefined, 400],
        ['state that a browser would write', 'PATCH /one/state', { admin: true }, 405],
        ['a message that a browser would write', 'POST /one/messages', { role: 'system' }, 405],
      ] as const) {
        it(`answer ${status} to ${fault}, and change nothing`, async () => {
          await say('one', 'q1,a2')
          const before = await json(call('GET /one'))
          const answer = await call(line, { body })
          assert.equal(answer.status, status)
          assert.equal(answer.headers.get('content-type'), 'application/problem+json')
          const problem = (await answer.json()) as { status: number; title: string }
          assert.equal(problem.status, status)
          assert.ok(problem.title)
          assert.deepEqual(await json(call('GET /one')), before)
          assert.deepEqual(await json(call('GET /preferences')), {})
        })
      }

      it('answer 415 to a form, and 403 to another site', async () => {
        await say('one', 'q1')
        const form = { ...ann, 'content-type': 'text/plain' }
        assert.equal(
          (await call('PATCH /one', { body: '{"title":"x"}', headers: form })).status,
          415,
        )
        for (const line of ['POST /one/fork', 'DELETE /one', 'DELETE /', 'PATCH /preferences']) {
          const site = { ...ann, 'sec-fetch-site': 'cross-site' }
          assert.equal((await call(line, { headers: site })).status, 403, line)
        }
        const own = { ...ann, 'sec-fetch-site': 'same-origin' }
        assert.equal((await call('GET /one', { headers: own })).status, 200)
        assert.equal((await call('DELETE /one', { headers: own })).status, 204)
      })

      it('name the methods a path takes, and answer HEAD without a body', async () => {
        await say('one', 'q1')
        const wrong = await call('PUT /one')
        assert.deepEqual(
          [wrong.status, wrong.headers.get('allow')],
          [405, 'GET, HEAD, PATCH, DELETE, OPTIONS'],
        )
        const options = await call('OPTIONS /one/fork')
        assert.deepEqual([options.status, options.headers.get('allow')], [204, 'POST, OPTIONS'])
        for (const path of ['/', '/one', '/one/export', '/export', '/preferences']) {
          const head = await call(`HEAD ${path}`)
          const get = await call(`GET ${path}`)
          assert.equal(head.status, 200, path)
          assert.equal(head.headers.get('content-type'), get.headers.get('content-type'))
          assert.equal(await head.text(), '')
          await get.text()
        }
        assert.equal((await call('HEAD /unknown')).status, 404)
      })

      it('leave other paths to the application', async () => {
        for (const path of ['/chats/one/two', '/chats/one/state/x', '/chatsfoo', '/'])
          assert.equal(
            await (await fetch(`${app?.url}${path}`, { headers: ann })).text(),
            'said',
            path,
          )
      })

      it('work without a session memory before them, with its options', async () => {
        await say('one', 'q1')
        await serve({ routes: 'alone', memory: { store, maxMessageBytes: 100 } })
        assert.equal((await json(call('GET /one'))).messages, 1)
        const long = { x: 'x'.repeat(200) }
        assert.equal((await call('PATCH /preferences', { body: long })).status, 413)
        assert.deepEqual((await json(call('GET /', { headers: bob }))).items, [])
      })

      it('take bodies that a parser has read before', async () => {
        await serve({ parser: true })
        await say('one', 'q1,a2')
        const info = await json(call('PATCH /one', { body: { title: 'parsed' } }))
        assert.equal(info.title, 'parsed')
        assert.equal((await call('POST /one/rewind', { body: { message: 'a2' } })).status, 200)
        assert.equal((await call('PATCH /one', { body: [] })).status, 400)
      })

      it('take bodies that a cache has looked at, and are kept by none', async () => {
        await serve({ cache: { store, methods: ['GET', 'POST'], ttl: '1m' } })
        await say('one', 'q1,a2,q3')
        for (const message of ['q3', 'a2']) {
          const answer = await call('POST /one/rewind', { body: { message } })
          assert.deepEqual(await answer.json(), { removed: 1 })
          assert.equal((await json(call('GET /one'))).messages, message === 'q3' ? 2 : 1)
        }
      })

      it('answer 503 while the store is away, and 404 for nothing then', async () => {
        const away = createStore({ url: 'redis://127.0.0.1:1', deadline: '20ms' })
        await serve({ memory: { store: away } })
        try {
          for (const line of [
            'GET /one',
            'GET /',
            'DELETE /one',
            'POST /one/fork',
            'GET /export',
          ]) {
            const answer = await call(line)
            assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'], line)
          }
        } finally {
          await away.close()
        }
      })

      it('know a guest by the cookie', async () => {
        await serve({ signIn: false })
        const said = await say('one', 'q1', {})
        const cookie = said.headers.getSetCookie()[0]?.split(';')[0] ?? ''
        assert.equal((await json(call('GET /', { headers: { cookie } }))).items.length, 1)
        const stranger = await call('GET /', { headers: {} })
        assert.deepEqual(((await stranger.json()) as { items: unknown[] }).items, [])
      })
    })
  }
}

describe('options of memoryRoutes()', () => {
  for (const framework of frameworks) {
    for (const [fault, options] of [
      ['a path without a slash', { path: 'chats' }],
      ['a path with a slash at its end', { path: '/chats/' }],
      ['an option that is misspelt', { maxSession: 3 }],
      ['a negative bound', { maxSessions: -1 }],
      ['a summariser that is none', { summarize: 'yes' }],
      ['a title that is none', { title: 'second-message' }],
      ['a time that is none', { preferencesTtl: 'soon' }],
    ] as const) {
      it(`refuse ${fault} on ${framework.name}, when mounting`, () => {
        assert.throws(() => framework.routes(options as never), { code: 'ERR_OPTION' })
      })
    }
  }
})
