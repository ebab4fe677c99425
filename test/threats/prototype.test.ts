import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import {
  type AnyMessage,
  cached,
  createStore,
  encrypted,
  json,
  type Serializer,
  type Store,
} from '../../lib/index.ts'
import { listKey, sessionKeys, stateKey } from '../../lib/keys.ts'
import { msgpack } from '../../lib/msgpack.ts'
import { rateLimit } from '../../middleware/express.ts'
import { frameworks } from '../support/apps.ts'
import { serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'] as const
const hostile: Readonly<Record<string, unknown>> = JSON.parse(
  '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"list":[{"__proto__":[1]}]}',
)
const untouched = Object.getOwnPropertyNames(Object.prototype).sort()

function isUntouched(): void {
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), untouched)
  assert.equal(({} as { admin?: unknown }).admin, undefined)
}

/** As text: deep equality of objects does not look at a field called __proto__ everywhere. */
function same(actual: unknown, expected: unknown): void {
  const text = (value: unknown) => JSON.stringify(Object.entries(value as object).sort())
  assert.equal(text(actual), text(expected))
}

const key = Buffer.alloc(32, 7)
const serializers: readonly Serializer[] = [
  json,
  msgpack,
  encrypted([{ id: 'a', key }], { serializer: msgpack }),
  encrypted([{ id: 'a', key }]),
]

for (const stores of bothProviders()) {
  for (const serializer of serializers) {
    describe(`threat: prototypes in the place of names, over ${stores.name} as ${serializer.name}`, () => {
      let store: Store
      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(isUntouched)
      after(() => stores.stop())

      it('as ids of users, sessions and messages, and as names of values, come back as they went', async () => {
        const memories = await serveMemories(store, { serializer })
        try {
          for (const user of names)
            for (const session of names.slice(0, 3))
              await memories.as({ user, session }, async (memory) => {
                await memory.append(names.map((id) => ({ id, role: 'user', content: user })))
                const named = Object.fromEntries(names.map((name) => [name, hostile]))
                await memory.state.set(named)
                await memory.preferences.set(named)
                await memory.set({ meta: hostile, title: '__proto__' })
                const { items } = await memory.history()
                assert.deepEqual(
                  items.map(({ id, content }) => [id, content]),
                  names.map((id) => [id, user]),
                )
                same(await memory.state.all(), named)
                same(await memory.preferences.all(), named)
                same(await memory.state.get('__proto__'), hostile)
                same((await memory.info())?.meta, hostile)
              })
          await memories.as({ user: 'ann' }, async (memory) => {
            for (const name of [...names, 'valueOf']) {
              assert.equal(await memory.state.get(name), undefined)
              assert.equal(await memory.preferences.get(name), undefined)
            }
            assert.equal(await memory.state.increment('__proto__', 2), 2)
          })
        } finally {
          await memories.close()
        }
      })

      it('as roles are refused', async () => {
        const memories = await serveMemories(store, { serializer })
        try {
          for (const role of names)
            await assert.rejects(
              memories.ann((memory) => memory.append({ role, content: 'x' } as never)),
              { code: 'ERR_REQUEST', status: 400 },
            )
        } finally {
          await memories.close()
        }
      })

      it('as a field of a message is no prototype of what is handed out', async () => {
        const said = '{"id":"m","role":"user","content":"x","__proto__":{"admin":true,"turn":"q"}}'
        const memories = await serveMemories(store, { serializer })
        try {
          await memories.ann(async (memory) => {
            await memory.append(JSON.parse(said))
            const read = [(await memory.history()).items, (await memory.context()).messages].flat()
            assert.equal(read.length, 2)
            for (const message of read) {
              assert.equal(Object.getPrototypeOf(message), Object.prototype)
              assert.equal((message as { admin?: unknown }).admin, undefined)
            }
          })
        } finally {
          await memories.close()
        }
      })

      it('as fields of messages and values come back as they went', async () => {
        const said = { id: 'm', role: 'user', content: 'x', createdAt: 1, ...fields(hostile) }
        const memories = await serveMemories(store, { serializer })
        try {
          await memories.ann(async (memory) => {
            await memory.append(said as AnyMessage)
            const [message] = (await memory.history()).items
            same((message as unknown as Record<string, unknown>)['list'], hostile['list'])
            assert.ok(Object.hasOwn(message as object, 'constructor'))
            assert.equal((message as { admin?: unknown }).admin, undefined)
          })
        } finally {
          await memories.close()
        }
        const plain = createStore({ provider: 'embedded', serializer })
        await plain.set('__proto__', hostile)
        same(await plain.get('__proto__'), hostile)
        await plain.close()
      })
    })
  }

  describe(`threat: prototypes in the place of names of limits and results, over ${stores.name}`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    afterEach(isUntouched)
    after(() => stores.stop())

    it('limits of keys and rules called so are limits like others, or refused', async () => {
      const limit = rateLimit({ store, limits: [{ name: 'api', limit: 1, window: '1m' }] })
      for (const name of names) {
        assert.equal((await limit.check(name)).allowed, true)
        assert.equal((await limit.check(name)).allowed, false)
      }
      const taken = await limit.check('ann')
      await assert.rejects(async () => taken.settle(JSON.parse('{"__proto__":0}')), {
        code: 'ERR_USAGE',
      })
      for (const name of names) {
        const odd = rateLimit({ store, limits: [{ name, limit: 1, window: '1m' }] })
        const first = await odd.check('bob')
        assert.ok(Object.hasOwn(first.limits, name), name)
        assert.equal((await odd.check('bob')).allowed, false)
      }
    })

    it('results of arguments that hold them are kept apart', async () => {
      const count = cached(async (given: unknown) => JSON.stringify(given), {
        ...{ store, name: '__proto__', ttl: '1m' },
      })
      const args = [{}, hostile, JSON.parse('{"__proto__":{"admin":false}}'), ...names]
      for (const each of args) assert.equal(await count(each), JSON.stringify(each))
      for (const each of args) {
        const { status, value } = await count.withStatus(each)
        assert.deepEqual([status, value], ['hit', JSON.stringify(each)])
      }
    })

    for (const framework of frameworks)
      it(`preferences that a browser sends to ${framework.name} come back as they went`, async () => {
        const app = await framework.serve({ memory: { store }, routes: 'behind' }, ({ send }) =>
          send(404, ''),
        )
        try {
          const sent = await fetch(`${app.url}/chats/preferences`, {
            method: 'PATCH',
            headers: { 'content-type': 'application/json', 'x-user': '__proto__' },
            body: JSON.stringify(hostile),
          })
          assert.equal(sent.status, 200)
          const given = JSON.parse(await sent.text())
          same(given, hostile)
        } finally {
          await app.close()
        }
      })
  })
}

/** Without `__proto__`: in a literal it would be no field. */
function fields({ list, ...rest }: Readonly<Record<string, unknown>>): object {
  return { list, constructor: rest['constructor'] }
}

const levels = 100_000
const nested = {
  'JSON arrays': Buffer.from('['.repeat(levels) + ']'.repeat(levels)),
  'JSON objects': Buffer.from(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`),
  'MessagePack arrays': Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.of(0xc0)]),
  'a content of JSON': Buffer.from(`{"content":${'['.repeat(levels)}${']'.repeat(levels)}}`),
}

/** 16 MB of elements that take a byte each. */
function manyOf(element: number): Buffer {
  const bytes = Buffer.alloc(16 * 1024 * 1024, element)
  bytes[0] = 0xdd
  bytes.writeUInt32BE(bytes.length - 5, 1)
  return bytes
}

describe('threat: bombs in what is stored', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  for (const [what, element] of [
    ['nils', 0xc0],
    ['empty maps', 0x80],
    ['empty arrays', 0x90],
  ] as const)
    it(`16 MB of ${what} in MessagePack are refused as corrupt, and take no memory`, async () => {
      const store = createStore({ url: server.url, deadline: '1s', serializer: msgpack })
      try {
        await server.client().set('bomb', manyOf(element))
        const before = process.memoryUsage()
        await assert.rejects(store.get('bomb'), { code: 'ERR_STORE', reason: 'corrupt' })
        const after = process.memoryUsage()
        assert.ok(after.heapUsed - before.heapUsed < 32e6, `${after.heapUsed - before.heapUsed}`)
        assert.ok(after.arrayBuffers - before.arrayBuffers < 100e6)
      } finally {
        await store.close()
      }
    })

  it('more elements than can be read are not written either', () => {
    const most = manyOf(0xc0).subarray(0, 2_000_005)
    most.writeUInt32BE(2_000_000, 1)
    assert.equal((msgpack.decode(most) as unknown[]).length, 2_000_000)
    const more: unknown[] = new Array(2_000_001).fill(null)
    assert.throws(() => msgpack.encode(more), { code: 'ERR_USAGE' })
  })

  for (const serializer of [json, msgpack])
    for (const [what, bytes] of Object.entries(nested))
      it(`100,000 levels of ${what} are read as ${serializer.name}, or refused, everywhere`, async () => {
        const store = createStore({ url: server.url, deadline: '1s' })
        const memories = await serveMemories(store, { serializer, maxMessageBytes: 65_536 })
        const redis = server.client()
        const keys = sessionKeys('ann', 'default')
        try {
          await memories.ann(async (memory) => {
            await memory.append({ id: 'm', role: 'user', content: 'x' })
            await memory.state.set({ a: 1 })
            await memory.preferences.set({ a: 1 })
          })
          const head = Buffer.from('1|m|u|1|')
          await redis.lset(listKey(keys), 0, Buffer.concat([head, bytes]))
          await redis.hset(keys.session, { title: bytes, meta: bytes, system: head })
          await redis.hset(stateKey(keys), 'a', bytes)
          await redis.hset(keys.preferences, 'a', bytes)
          await redis.set('value', bytes)
          await memories.ann(async (memory) => {
            const lines = async (all: AsyncIterable<string>) => {
              for await (const line of all) void line.length
            }
            const same = createStore({ url: server.url, deadline: '1s', serializer })
            const tasks = [
              () => memory.history(),
              () => memory.context({ as: 'ai-sdk' }),
              () => memory.info(),
              () => memory.state.all(),
              () => memory.preferences.all(),
              () => memory.sessions.list({ q: 'a' }),
              () => lines(memory.export()),
              () => lines(memory.sessions.export()),
              () => same.get('value'),
            ]
            for (const task of tasks)
              await task().catch((error: unknown) =>
                assert.equal(codeOf(error), 'ERR_STORE corrupt'),
              )
            await same.close()
          })
          isUntouched()
        } finally {
          await redis.flushall()
          await memories.close()
          await store.close()
        }
      })
})

function codeOf(error: unknown): string {
  const { code, reason, stack } = error as { code?: string; reason?: string; stack?: string }
  return code === undefined ? String(stack) : `${code} ${reason}`
}
