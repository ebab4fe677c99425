import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks, type Mounts } from '../support/apps.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type Place, threat } from './threat.ts'

const canary = 'a bird of gold'
const ann = { 'x-user': 'ann' }
const bob = { 'x-user': 'bob' }

/** Every route that names a session, and those that name none; `ID` stands for the session. */
const ofSessions: readonly (readonly [line: string, body?: unknown])[] = [
  ['GET /ID'],
  ['HEAD /ID'],
  ['PATCH /ID', { title: 'mine now' }],
  ['PATCH /ID', { pinned: true, meta: { mine: true } }],
  ['GET /ID/messages'],
  ['GET /ID/messages?limit=1'],
  ['GET /ID/messages?before=2'],
  ['GET /ID/state'],
  ['GET /ID/export'],
  ['HEAD /ID/export'],
  ['POST /ID/rewind', { message: 'q1' }],
  ['POST /ID/fork'],
  ['POST /ID/fork', { message: 'q1' }],
  ['POST /ID/stop'],
  ['POST /ID/stop', { message: 'q1' }],
  ['GET /ID/stream'],
  ['GET /ID/stream?as=ui'],
  ['DELETE /ID'],
]
const ofUsers: readonly string[] = ['GET /', 'GET /?q=bird', 'GET /export', 'GET /preferences']

const mounts = (store: Store): Mounts => ({ memory: { store }, routes: 'behind' })

/** An app in which ann has said something, and its routes. */
async function serve(serveApp: (mounts: Mounts, handle: never) => Promise<App>, store: Store) {
  const handle: Parameters<Place['serve']>[1] = async ({ memory, send }) => {
    await memory.append([
      { id: 'q1', role: 'user', content: canary },
      { id: 'a1', role: 'assistant', content: canary },
    ])
    await memory.state.set({ canary })
    await memory.preferences.set({ canary })
    send(200, 'said')
  }
  const app = await serveApp(mounts(store), handle as never)
  await fetch(app.url, { headers: { ...ann, 'x-session-id': 'secret' } })

  async function call(line: string, headers: Record<string, string>, body?: unknown) {
    const [method = 'GET', path = ''] = line.split(' ')
    const typed = body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await fetch(`${app.url}/chats${path}`, {
      method,
      headers: { ...headers, ...typed },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const fields = [...answer.headers].filter(([name]) => name !== 'date')
    return { status: answer.status, fields, text: await answer.text() }
  }
  return { call }
}

threat('session A reads the history of B', (place) => {
  it('is answered 404, in the same bytes as for what is nowhere, on every route', async () => {
    const { call } = await serve(place.serve, place.store)
    const before = await call('GET /secret/messages', ann)
    assert.match(before.text, new RegExp(canary))
    for (const [line, body] of ofSessions) {
      const [foreign, nowhere] = [
        await call(line.replace('ID', 'secret'), bob, body),
        await call(line.replace('ID', 'nowhere'), bob, body),
      ]
      assert.equal(foreign.status, 404, line)
      assert.deepEqual(foreign, nowhere, line)
    }
    assert.deepEqual(await call('GET /secret/messages', ann), before, 'and nothing has changed')
  })

  it('finds nothing of B on the routes that name no session', async () => {
    const { call } = await serve(place.serve, place.store)
    for (const line of ofUsers) {
      const { status, text } = await call(line, bob)
      assert.equal(status, 200, line)
      assert.doesNotMatch(text, /bird|secret/, line)
    }
    assert.deepEqual(JSON.parse((await call('DELETE /', bob)).text), { removed: 0 })
    assert.match((await call('GET /export', ann)).text, new RegExp(canary))
  })

  it('finds nothing of B by an id that tries to leave the user', async () => {
    const { call } = await serve(place.serve, place.store)
    const ids = [
      'ann',
      'ann}:secret',
      '{ann}:secret',
      '../ann/secret',
      '..',
      'session:{ann}:secret',
    ]
    const odd = [
      'secret:m',
      'secret:state',
      '*',
      's?cret',
      '[s]ecret',
      'SECRET',
      'secret\0',
      ' secret',
    ]
    for (const id of [...ids, ...odd, '__proto__', 'constructor', 'toString'])
      for (const part of ['', '/messages', '/export', '/state', '/stream']) {
        const { status, text } = await call(`GET /${encodeURIComponent(id)}${part}`, bob)
        assert.ok(status === 404 || id === '..', `${id}${part}: ${status}`)
        assert.doesNotMatch(text, /bird/)
      }
  })
})

for (const framework of frameworks) {
  describe(`threat: telling by time or work whether B has a session (${framework.name})`, () => {
    let server: TestServer
    let proxy: CountingProxy
    let store: Store
    let app: App | undefined

    before(async () => {
      server = await startRedis()
      proxy = await startCountingProxy(server)
      store = createStore({ url: proxy.url, deadline: '1s' })
    })
    afterEach(() => app?.close())
    after(async () => {
      await store.close()
      await proxy.close()
      await server.stop()
    })

    it('costs the store the same commands, there or nowhere', async () => {
      const { call } = await serve(async (given, handle) => {
        app = await framework.serve(given, handle)
        return app
      }, store)
      for (const [line, body] of ofSessions) {
        const spent: unknown[] = []
        // The first brings the scripts there.
        for (const id of ['nowhere', 'secret', 'elsewhere']) {
          proxy.reset()
          await call(line.replace('ID', id), bob, body)
          spent.push(proxy.counts)
        }
        assert.notDeepEqual(spent[1], {}, line)
        assert.deepEqual(spent[1], spent[2], line)
      }
    })
  })
}
