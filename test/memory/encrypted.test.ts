import assert from 'node:assert/strict'
import { createDecipheriv, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'mocha'
import { createStore, encrypted, json, type Serializer } from '../../lib/index.ts'
import { msgpack } from '../../lib/msgpack.ts'
import { eventually } from '../support/eventually.ts'
import { serveMemories } from '../support/memories.ts'
import { startMonitor } from '../support/monitor.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const old = { id: '2026-01', key: randomBytes(32) }
const current = { id: '2026-02', key: randomBytes(32).toString('base64') }
const context = { owner: 'digest-of-ann', messageId: 'm1' }

describe('encrypted values', () => {
  it('are AES-256-GCM as node:crypto has it, bound to version, key, owner and message', () => {
    const bytes = Buffer.from(encrypted([current]).encode({ said: 'secret' }, context))
    const header = Buffer.concat([Buffer.from([1, current.id.length]), Buffer.from(current.id)])
    assert.deepEqual(bytes.subarray(0, header.length), header)
    const nonce = bytes.subarray(header.length, header.length + 12)
    const decipher = createDecipheriv('aes-256-gcm', Buffer.from(current.key, 'base64'), nonce)
    decipher.setAAD(Buffer.concat([header, Buffer.from('13:digest-of-ann2:m1')]))
    decipher.setAuthTag(bytes.subarray(-16))
    const text = decipher.update(bytes.subarray(header.length + 12, -16))
    assert.equal(Buffer.concat([text, decipher.final()]).toString(), '{"said":"secret"}')
  })

  for (const inner of [json, msgpack]) {
    it(`come back as they were, with ${inner.name} inside, also without a context`, () => {
      const { encode, decode } = encrypted([current], { serializer: inner })
      for (const value of ['', 'ü', 7, null, [1, { a: null }], { deep: { er: [] } }]) {
        assert.deepEqual(decode(encode(value, context), context), value)
        assert.deepEqual(decode(encode(value)), value)
      }
    })
  }

  it('differ each time', () => {
    const { encode } = encrypted([current])
    assert.notDeepEqual(encode('same', context), encode('same', context))
  })

  it('are read with every key that is given, and written with the first', () => {
    const written = encrypted([old]).encode('secret', context)
    const rotated = encrypted([current, old])
    assert.equal(rotated.decode(written, context), 'secret')
    const anew = rotated.encode('secret', context)
    assert.equal(encrypted([current]).decode(anew, context), 'secret')
    assert.throws(() => encrypted([old]).decode(anew, context), /no key "2026-02"/)
    assert.throws(() => encrypted([current]).decode(written, context), /no key "2026-01"/)
  })

  it('do not decrypt for another owner, another message, or none', () => {
    const { encode, decode } = encrypted([current])
    const bytes = encode('secret', context)
    for (const other of [
      { ...context, owner: 'digest-of-bob' },
      { ...context, messageId: 'm2' },
      { owner: 'digest-of-ann2:m', messageId: '1' },
      undefined,
    ])
      assert.throws(() => decode(bytes, other))
    assert.throws(() => decode(encode('secret'), context))
  })

  it('do not decrypt when any byte was changed, cut off or added', () => {
    const { encode, decode } = encrypted([current])
    const bytes = encode('secret', context)
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => decode(changed, context), `byte ${at}`)
      assert.throws(() => decode(bytes.subarray(0, at), context), `${at} bytes`)
    }
    assert.throws(() => decode(Buffer.concat([bytes, Buffer.alloc(1)]), context))
    assert.throws(() => decode(Buffer.from('{"plain":1}'), context), /not encrypted/)
  })

  for (const [fault, keys] of [
    ['no keys', []],
    ['keys that are no array', 'secret'],
    ['a key of 16 bytes', [{ id: 'a', key: randomBytes(16) }]],
    ['a key of 16 bytes in base64', [{ id: 'a', key: randomBytes(16).toString('base64') }]],
    ['a key in hex', [{ id: 'a', key: randomBytes(32).toString('hex') }]],
    ['a key with a slip', [{ id: 'a', key: `!${randomBytes(32).toString('base64')}` }]],
    ['a key without id', [{ key: randomBytes(32) }]],
    ['a long id', [{ id: 'x'.repeat(33), key: randomBytes(32) }]],
    ['an id twice', [old, old]],
    ['nothing in the place of a key', [null]],
  ] as const) {
    it(`refuse ${fault} when they are made, without telling a key`, () => {
      assert.throws(
        () => encrypted(keys as never),
        (error: Error & { code?: string }) => {
          const [{ key = '' } = {}] = [keys[0] ?? {}] as { key?: unknown }[]
          assert.equal(error.code, 'ERR_OPTION')
          return typeof key !== 'string' || key === '' || !error.message.includes(key)
        },
      )
    })
  }

  it('refuse an inner serializer that is none, and a misspelt option', () => {
    assert.throws(() => encrypted([old], { serializer: {} as Serializer }), { code: 'ERR_OPTION' })
    assert.throws(() => encrypted([old], { serialiser: json } as never), { code: 'ERR_OPTION' })
  })
})

describe('encrypted conversations on Redis', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  const canary = 'canary-of-the-mine'

  for (const inner of [json, msgpack]) {
    it(`show no plain text to a monitor, a dump or an error, with ${inner.name} inside`, async () => {
      const store = createStore({ url: server.url, prefix: `${inner.name}:`, deadline: '1s' })
      const client = server.client()
      let guest = ''
      const monitor = await startMonitor(server)
      const seen = monitor.lines
      const serializer = encrypted([current], { serializer: inner })
      const summarize = () => `${canary} summary`
      const options = { serializer, summarize, context: { messages: 4 } }
      const memories = await serveMemories(store, options)
      try {
        const { cookie } = await memories.as({ user: '' }, async (memory) => {
          guest = memory.user
          for (let n = 0; n < 6; n += 1)
            await memory.append([
              { role: 'user', content: `${canary} question` },
              { role: 'assistant', content: [{ type: 'text', text: `${canary} answer` }] as never },
            ])
          await memory.set({
            title: `${canary} title`,
            meta: { [canary]: canary },
            system: `${canary} system`,
          })
          await memory.state.set({ secret: canary })
          await memory.preferences.set({ secret: canary })
        })
        const summed = (owner: string) =>
          eventually('a summary', async () => {
            const [key] = await client.keys(`${inner.name}:session:{${owner}}:default`)
            return (await client.hget(key ?? '', 'summary')) ?? undefined
          })
        await summed(guest)
        await memories.as({ cookie }, (memory) => memory.sessions.claim())
        await summed('ann')
        const [said, titles] = await memories.ann(async (memory) => {
          const fork = await memory.fork()
          return [
            (await fork.history()).items.length,
            (await memory.sessions.list({ q: 'CANARY' })).items.map(({ title }) => title),
          ] as const
        })
        assert.equal(said, 12)
        assert.deepEqual(titles, [`${canary} title`, `${canary} title`])
        const keys = await client.keys(`${inner.name}:*`)
        assert.ok(keys.length > 8, String(keys))
        for (const key of keys) {
          const dump = await client.dumpBuffer(key)
          assert.ok(!dump?.includes(canary), key)
        }
        assert.ok(seen.some((line) => line.includes('session:{ann}')))
        assert.deepEqual(
          seen.filter((line) => line.includes(canary)),
          [],
        )
      } finally {
        monitor.stop()
        await memories.close()
        await store.close()
      }
    })
  }

  it('are corrupt to whoever has another key, or finds bytes of another user', async () => {
    const store = createStore({ url: server.url, prefix: 'moved:', deadline: '1s' })
    const memories = await serveMemories(store, { serializer: encrypted([current]) })
    const strangers = await serveMemories(store, { serializer: encrypted([old]) })
    try {
      const said = { id: 'm1', role: 'user', content: 'secret' } as const
      await memories.ann((memory) => memory.append(said))
      await memories.as({ user: 'bob' }, (memory) => memory.append(said))
      const corrupt = { code: 'ERR_STORE', reason: 'corrupt' }
      await assert.rejects(
        strangers.ann((memory) => memory.history()),
        corrupt,
      )
      const client = server.client()
      const [line] = await client.lrangeBuffer('moved:session:{ann}:default:m', 0, 0)
      await client.lset('moved:session:{bob}:default:m', 0, line ?? '')
      await assert.rejects(
        memories.as({ user: 'bob' }, (memory) => memory.history()),
        corrupt,
      )
    } finally {
      await memories.close()
      await strangers.close()
      await store.close()
    }
  })

  it('are values of a store as well', async () => {
    const serializer = encrypted([current])
    const store = createStore({ url: server.url, prefix: 'plain:', deadline: '1s', serializer })
    try {
      await store.set('card', { number: canary })
      assert.deepEqual(await store.get('card'), { number: canary })
      const raw = await server.client().getBuffer('plain:card')
      assert.ok(raw && !raw.includes(canary))
    } finally {
      await store.close()
    }
  })
})
