import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'mocha'
import {
  createStore,
  embeddedProvider,
  type Provider,
  type Store,
  StoreError,
} from '../../lib/index.ts'
import { sessionIndex, sessionKeys } from '../../lib/keys.ts'

const methods = [
  ...['get', 'set', 'delete', 'exists', 'mget', 'mset', 'expire', 'ttl', 'incr'],
  ...['keys', 'deletePattern', 'batch', 'close'],
  ...['append', 'read', 'list', 'remove'].map((name) => `history.${name}`),
  ...['amend', 'update', 'rewind', 'fork', 'shrink', 'forget'].map((name) => `history.${name}`),
  ...['begin', 'write', 'end', 'stop', 'look', 'watch', 'onStop'].map((name) => `turns.${name}`),
  ...['read', 'write'].map((name) => `fields.${name}`),
  ...['charge', 'peek', 'settle', 'renew', 'block', 'clear'].map((name) => `budgets.${name}`),
  ...['find', 'keep', 'amend', 'drop', 'purge', 'purges', 'clock'].map((name) => `entries.${name}`),
  ...['claim', 'renew', 'write', 'end', 'look', 'watch', 'onWatched'].map(
    (name) => `fills.${name}`,
  ),
  ...['nodes', 'dbsize', 'size', 'slowlog'].map((name) => `inspection.${name}`),
  ...['publish', 'subscribe'].map((name) => `bus.${name}`),
]

/** The embedded provider under another name, with one member of it, such as `budgets.charge`, replaced. */
function replaced(path: string, value: unknown): Provider {
  const provider = { ...embeddedProvider(), name: 'own' }
  const [first = '', second] = path.split('.')
  const port = provider[first as 'history']
  const member = second === undefined ? value : { ...port, [second]: value }
  return { ...provider, [first]: member }
}

describe('a provider of your own', () => {
  for (const path of methods)
    it(`is refused without ${path}`, () => {
      const message = `Option \`provider.${path}\` must be a function, got undefined`
      const provider = replaced(path, undefined)
      assert.throws(() => createStore({ provider }), { code: 'ERR_OPTION', message })
    })

  for (const [path, value, message] of [
    ['name', undefined, /`provider.name` must be a lower-case name .*, got undefined$/],
    ['name', 'My Provider', /`provider.name` must be a lower-case name .*, got "My Provider"$/],
    ['history', undefined, /`provider.history` must be an object, got undefined$/],
    ['budgets', null, /`provider.budgets` must be an object, got null$/],
    ['entries', 'none', /`provider.entries` must be an object, got "none"$/],
    ['get', 'value', /`provider.get` must be a function, got "value"$/],
    ['inspection', null, /`provider.inspection` must be an object, got null$/],
    ['bus', true, /`provider.bus` must be an object, got true$/],
    ['parts', 'a', /`provider.parts` must be an object, got "a"$/],
    ['parts', { names: () => new Set() }, /`provider.parts.of` must be a function, got undefined$/],
    ['onReady', true, /`provider.onReady` must be a function, got true$/],
  ] as const)
    it(`is refused with ${JSON.stringify(value)} for ${path}`, () => {
      assert.throws(() => createStore({ provider: replaced(path, value) }), message)
    })

  for (const provider of [{}, [], Promise.resolve(embeddedProvider())])
    it(`is not ${Object.prototype.toString.call(provider)}`, () => {
      assert.throws(() => createStore({ provider: provider as never }), { code: 'ERR_OPTION' })
    })

  it('may inherit its methods', async () => {
    const provider: Provider = Object.create(embeddedProvider())
    for (const prefix of [undefined, 'app:']) {
      const store = createStore({ provider, prefix })
      await store.set('a', 1)
      assert.equal(await store.get('a'), 1)
    }
    assert.deepEqual((await provider.keys('*')).sort(), ['a', 'app:a'])
  })

  it('is guarded whatever its name is', async () => {
    const store = createStore({ provider: { ...replaced('get', never), name: 'embedded' } })
    await assert.rejects(store.get('a'), { code: 'ERR_STORE', reason: 'timeout' })
  })
})

const keys = sessionKeys('owner', 'id')
const bounds = { ttlMs: 60_000, max: 9, keep: 9, ifRev: undefined, title: undefined }
const bytes = Buffer.from('bytes')
const variant = { vary: [], variant: '', entry: { head: bytes, body: bytes } }
const fill = { key: 'cache:{a}', variant: '' }

/** A call of each method, as a store makes it; those of scans and of the end have no deadline. */
const calls: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  get: (store) => store.get('a'),
  set: (store) => store.set('a', 1),
  delete: (store) => store.delete('a'),
  exists: (store) => store.exists('a'),
  mget: (store) => store.mget(['a']),
  mset: (store) => store.mset({ a: 1 }),
  expire: (store) => store.expire('a', 1),
  ttl: (store) => store.ttl('a'),
  incr: (store) => store.incr('a'),
  batch: (store) => store.pipeline().get('a').exec(),
  'history.append': ({ history }) => history.append(keys, [], bounds),
  'history.read': ({ history }) =>
    history.read(keys, { limit: 9, before: undefined, ttlMs: undefined }),
  'history.list': ({ history }) =>
    history.list(sessionIndex('owner'), { limit: 9, after: undefined }),
  'history.remove': ({ history }) => history.remove(keys),
  'budgets.charge': ({ budgets }) => budgets.charge([]),
  'budgets.peek': ({ budgets }) => budgets.peek([]),
  'budgets.settle': ({ budgets }) => budgets.settle([]),
  'budgets.renew': ({ budgets }) => budgets.renew([]),
  'budgets.block': ({ budgets }) => budgets.block(['a'], 1000),
  'budgets.clear': ({ budgets }) => budgets.clear(['a']),
  'entries.find': ({ entries }) => entries.find('a', '', []),
  'entries.keep': ({ entries }) => entries.keep('a', { ...variant, ttlMs: 1000, maxVariants: 4 }),
  'entries.amend': ({ entries }) => entries.amend('a', '', Buffer.from('h'), 1000),
  'entries.drop': ({ entries }) => entries.drop('a'),
  'entries.purge': ({ entries }) => entries.purge(['t:a'], false),
  'entries.purges': ({ entries }) => entries.purges(['t:a']),
  'entries.clock': ({ entries }) => entries.clock(),
  'fills.claim': ({ fills }) =>
    fills.claim(fill, { token: 't', runner: 'cache:fills:r', leaseMs: 1000 }),
  'fills.renew': ({ fills }) => fills.renew(fill, 't', 1000),
  'fills.write': ({ fills }) => fills.write(fill, 't', { last: 1, bytes: Buffer.from('b') }, 1000),
  'fills.end': ({ fills }) => fills.end(fill, 't', 'kept', { keepMs: 1000, aloneMs: 1000 }),
  'fills.look': ({ fills }) => fills.look(fill, 't', 0),
  'fills.watch': ({ fills }) => fills.watch(fill, 't', { batch() {}, ended() {} }),
  'fills.onWatched': ({ fills }) => fills.onWatched('cache:fills:r', () => {}),
  'inspection.nodes': (store) => store.info(),
  'inspection.dbsize': (store) => store.dbsize(),
  'inspection.size': (store) => store.size('a'),
  'inspection.slowlog': (store) => store.slowlog(),
  'bus.publish': (store) => store.publish('a', 1),
  'bus.subscribe': (store) => store.subscribe('a', () => {}),
}
const endless: typeof calls = {
  keys: (store) => store.keys('*'),
  deletePattern: (store) => store.deletePattern('*'),
  close: (store) => store.close(),
}

const never = () => new Promise<never>(() => {})
const cause = new TypeError('foreign')
const faults: Readonly<Record<string, () => unknown>> = {
  'rejects with an error of another kind': () => Promise.reject(cause),
  'throws instead of rejecting': () => {
    throw cause
  },
}

describe('a store over a provider', () => {
  for (const [fault, method] of Object.entries(faults))
    for (const [path, call] of Object.entries({ ...calls, ...endless }))
      it(`whose ${path} ${fault} rejects with a StoreError`, async () => {
        const store = createStore({ provider: replaced(path, method) })
        await assert.rejects(call(store), {
          name: 'StoreError',
          reason: 'refused',
          outcome: 'unknown',
          cause,
        })
        assert.equal(store.degraded, false)
      })

  for (const [path, call] of Object.entries(calls))
    it(`whose ${path} never settles rejects when the deadline is over`, async () => {
      const store = createStore({ provider: replaced(path, never), deadline: '20ms' })
      await assert.rejects(call(store), { name: 'StoreError', reason: 'timeout' })
    })

  it('that cannot tell the part of a key rejects with a StoreError', async () => {
    const parts = {
      of() {
        throw cause
      },
      names: () => new Set<string>(),
    }
    const store = createStore({ provider: replaced('parts', parts) })
    for (const path of ['get', 'mset', 'history.read', 'budgets.clear', 'entries.find'])
      await assert.rejects(async () => calls[path]?.(store), { name: 'StoreError', cause }, path)
  })

  it('that fails after the deadline has told no one of it', async () => {
    const late = () => sleep(50).then(() => Promise.reject(cause))
    const store = createStore({ provider: replaced('get', late), deadline: '20ms' })
    await assert.rejects(store.get('a'), { reason: 'timeout' })
    await sleep(60)
  })

  it('whose errors say that it is away is left alone after five of them', async () => {
    let asked = 0
    const away = async () => {
      asked += 1
      throw new StoreError('get', 'unavailable', { outcome: 'not-sent' })
    }
    const store = createStore({ provider: replaced('get', away) })
    for (let at = 0; at < 8; at += 1)
      await assert.rejects(store.get('a'), { reason: 'unavailable', outcome: 'not-sent' })
    assert.deepEqual([asked, store.degraded], [5, true])
  })
})

/** Takes whatever it is given. */
const careless = { name: 'text', encode: () => bytes, decode: String }

describe('a store over a provider whose values are no bytes', () => {
  for (const alien of ['text', 7, null, false, [1], {}, new ArrayBuffer(1), new Date(0)]) {
    const shown = Object.prototype.toString.call(alien)

    it(`takes ${shown} for corrupt`, async () => {
      for (const serializer of [undefined, careless]) {
        const single = createStore({ provider: replaced('get', async () => alien), serializer })
        await assert.rejects(single.get('a'), corrupt)
        const several = createStore({ provider: replaced('mget', async () => [alien]), serializer })
        await assert.rejects(several.mget(['a']), corrupt)
        const batch = createStore({ provider: replaced('batch', async () => [alien]), serializer })
        await assert.rejects(batch.pipeline().get('a').exec(), corrupt)
      }
    })
  }

  it('takes a plain array of bytes as it takes a buffer', async () => {
    const provider = replaced('get', async () => new TextEncoder().encode('{"a":1}'))
    assert.deepEqual(await createStore({ provider }).get('a'), { a: 1 })
  })

  for (const replies of [undefined, null, {}, 'a', [], [bytes, bytes]])
    it(`takes ${JSON.stringify(replies)?.slice(0, 20)} for a reply of one element as corrupt`, async () => {
      const several = createStore({ provider: replaced('mget', async () => replies) })
      await assert.rejects(several.mget(['a']), corrupt)
      const batch = createStore({ provider: replaced('batch', async () => replies) })
      await assert.rejects(batch.pipeline().get('a').exec(), corrupt)
      for (const step of ['charge', 'peek', 'settle'] as const) {
        const { budgets } = createStore({
          provider: replaced(`budgets.${step}`, async () => replies),
        })
        await assert.rejects(budgets[step]([settlement]), corrupt)
      }
      const purges = createStore({ provider: replaced('entries.purges', async () => replies) })
      await assert.rejects(purges.entries.purges(['t:a']), corrupt)
      const find = async () => ({ vary: [], entry: undefined, purges: replies })
      const { entries } = createStore({ provider: replaced('entries.find', find) })
      await assert.rejects(entries.find('a', '', ['t:a']), corrupt)
    })

  it('names the cause where an error of another kind stands in a batch', async () => {
    const store = createStore({ provider: replaced('batch', async () => [cause]) })
    await assert.rejects(store.pipeline().get('a').exec(), { reason: 'refused', cause })
  })
})

const settlement = {
  key: 'limit:{a}:rule:f1000',
  algorithm: 'fixed',
  limit: 1,
  windowMs: 1000,
  cost: 1,
  mark: 1,
  charged: 1,
} as const

const corrupt = { name: 'StoreError', reason: 'corrupt' }
