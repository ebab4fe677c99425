import type { Store } from '../../lib/index.ts'
import { cached } from '../../lib/index.ts'
import { sessionStore } from '../../middleware/express-session.ts'
import type { App, Exchange, Framework } from '../support/apps.ts'
import { secret } from './told.ts'

const call = {
  id: 'call_1',
  type: 'function',
  function: { name: 'pay', arguments: JSON.stringify({ card: secret('arguments') }) },
}

type Work = (exchange: Exchange, store: Store) => unknown

/** All that an application does with secrets, each by name. */
const works: Readonly<Record<string, Work>> = {
  append: ({ memory }) =>
    memory.append([
      { id: 'q1', role: 'user', content: secret('text') },
      { id: 'a1', role: 'assistant', content: null, tool_calls: [call] },
      { id: 't1', role: 'tool', tool_call_id: 'call_1', content: secret('result') },
    ]),
  turn: async ({ memory, target }) => {
    const turn = await memory.turn({ role: 'user', content: secret('question') })
    await turn.pipe(secret('answer'), target)
  },
  commit: async ({ memory }) => {
    const turn = await memory.turn({ role: 'user', content: secret('question') })
    await turn.commit({ role: 'assistant', content: secret('answer') })
  },
  abort: async ({ memory }) => {
    const turn = await memory.turn({ role: 'user', content: secret('question') })
    turn.write(secret('piece'))
    await turn.abort()
  },
  history: ({ memory }) => memory.history(),
  context: ({ memory }) => memory.context({ as: 'anthropic' }),
  info: ({ memory }) => memory.info(),
  set: ({ memory }) =>
    memory.set({ title: secret('title'), meta: { is: secret('meta') }, system: secret('system') }),
  update: ({ memory }) => memory.update('q1', { role: 'user', content: secret('edited') }),
  rewind: ({ memory }) => memory.rewind('t1'),
  fork: ({ memory }) => memory.fork(),
  list: ({ memory }) => memory.sessions.list({ q: secret('title') }),
  export: async ({ memory }) => {
    for await (const line of memory.sessions.export()) if (line === '') return
  },
  claim: ({ memory }) => memory.sessions.claim(),
  state: ({ memory }) => memory.state.set({ is: secret('state'), count: secret('no number') }),
  'state, all': ({ memory }) => memory.state.all(),
  'state, changed': ({ memory }) => memory.state.update('is', () => secret('changed')),
  'state, compared': ({ memory }) =>
    memory.state.compareAndSet('is', secret('expected'), secret('changed')),
  'state, counted': ({ memory }) => memory.state.increment('count'),
  preferences: ({ memory }) => memory.preferences.set({ is: secret('preference') }),
  'preferences, all': ({ memory }) => memory.preferences.all(),
  'a value': (_, store) => store.set('value', { is: secret('value') }),
  'a value, read': (_, store) => store.get('value'),
  'a value, counted': (_, store) => store.incr('value'),
  values: (_, store) => store.mset({ value: secret('value'), other: secret('value') }),
  'values, read': (_, store) => store.mget(['value', 'other']),
  pipeline: (_, store) => {
    const pipeline = store.pipeline()
    pipeline.set('value', secret('pipeline'))
    pipeline.get('value')
    pipeline.incr('value')
    return pipeline.exec()
  },
  published: (_, store) => store.publish('channel', secret('published')),
  cached: (_, store) =>
    cached(async (text: string) => `${text} ${secret('result')}`, {
      ...{ name: 'secrets', ttl: 60, store },
    })(secret('argument')),
  session: (_, store) =>
    new Promise((resolve, reject) => {
      const cookie = { originalMaxAge: 1000 } as never
      const data = { cookie, is: secret('session') }
      void sessionStore({ store }).set('session-1', data, (error) =>
        error ? reject(error) : resolve(0),
      )
    }),
  'session, read': (_, store) =>
    new Promise((resolve, reject) => {
      void sessionStore({ store }).get('session-1', (error) => (error ? reject(error) : resolve(0)))
    }),
  // What cannot be kept.
  'a message that is no JSON': ({ memory }) =>
    memory.append({ role: 'user', content: secret('text'), count: 1n } as never),
  'a message that holds itself': ({ memory }) => {
    const message: Record<string, unknown> = { role: 'user', content: secret('text') }
    message['itself'] = message
    return memory.append(message as never)
  },
  'a message that is too large': ({ memory }) =>
    memory.append({ role: 'user', content: secret('text').repeat(9000) }),
  'a message that is none': ({ memory }) =>
    memory.append({ role: secret('role'), content: secret('text') } as never),
  'a question that is none': ({ memory }) =>
    memory.turn({ role: 'system', content: secret('text') } as never),
  'a state that is no JSON': ({ memory }) =>
    memory.state.set({ is: { text: secret('state'), n: 1n } }),
  'a title that is too long': ({ memory }) => memory.set({ title: secret('title').repeat(100) }),
  'meta that is too large': ({ memory }) =>
    memory.set({ meta: { is: secret('meta').repeat(2000) } }),
  'a value that is no JSON': (_, store) => store.set('value', { is: secret('value'), n: 1n }),
  'an id that is too long': ({ memory }) => memory.open(secret('id').repeat(20)).info(),
}

/** What there must be before something can happen to it. */
const seeds = ['append', 'commit', 'set', 'state', 'preferences', 'values', 'cached', 'session']

/** What an app is served with. */
export interface SecretApp extends App {
  /** Keeps some of everything. */
  seed(): Promise<void>
  /** Does all of it, each in a request of its own; every failure is handed to `caught`. */
  work(): Promise<void>
}

/** An app that does all this, behind a limit and a cache that keeps answers with secrets. */
export async function serveSecrets(
  framework: Framework,
  store: Store,
  { memory = {}, caught }: { memory?: object; caught: (of: string, thing: unknown) => void },
): Promise<SecretApp> {
  const mounts = {
    memory: { store, ...memory },
    routes: 'behind' as const,
    limit: { store, limit: 1_000_000, onStoreError: 'local' as const },
    cache: { store, ttl: 60, scope: 'user' as const },
  }
  const app = await framework.serve(mounts, async (exchange) => {
    const name = exchange.query.get('work')
    if (name === null) {
      exchange.set('X-Secret', secret('response-field'))
      return exchange.send(200, secret('cache-body'))
    }
    try {
      await works[name]?.(exchange, store)
    } catch (error) {
      caught(`error of ${name}`, error)
      throw error
    }
    if (name !== 'turn') exchange.send(200, 'done')
  })
  const headers = {
    'x-user': 'ann',
    authorization: `Bearer ${secret('authorization')}`,
    'x-api-key': secret('request-field'),
    'content-type': 'application/json',
  }
  async function ask(path: string, init: RequestInit = {}): Promise<void> {
    const answer = await fetch(app.url + path, { headers, ...init })
    const text = await answer.text()
    if (answer.status >= 400) caught(`answer ${answer.status}`, [[...answer.headers], text])
  }
  const doing = (name: string) => ask(`/?work=${encodeURIComponent(name)}`, { method: 'POST' })
  return {
    ...app,
    async seed() {
      for (const name of seeds) await doing(name)
      await ask(`/page?q=${secret('query')}`)
    },
    async work() {
      for (const name of Object.keys(works)) await doing(name)
      for (let time = 0; time < 3; time += 1) await ask(`/page?q=${secret('query')}`)
      for (const path of ['', '/default', '/default/messages', '/default/state', '/export'])
        await ask(`/chats${path}`)
      const patch = (body: string) => ({ method: 'PATCH', body })
      await ask('/chats/preferences', patch(JSON.stringify({ is: secret('preference') })))
      await ask('/chats/default', patch(JSON.stringify({ title: secret('title') })))
      await ask('/chats/default', patch(`{"title":"${secret('no-json')}`))
      await ask('/chats/default', patch(JSON.stringify({ [secret('member')]: 1 })))
      await ask(`/chats/${secret('id').repeat(20)}`)
      await ask(`/chats/default/messages?limit=${secret('limit')}`)
    },
  }
}
