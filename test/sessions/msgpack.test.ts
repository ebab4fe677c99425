import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { json, type Store } from '../../lib/index.ts'
import { msgpack } from '../../lib/msgpack.ts'
import { createStore } from '../../lib/store.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const { encode, decode } = msgpack

/** What comes back is what JSON would have made of it. */
function same(value: unknown): void {
  assert.deepEqual(decode(encode(value)), json.decode(json.encode(value)))
}

describe('msgpack', () => {
  it('gives back what JSON gives back, for all that JSON can hold', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 6 }), (value) => same(value)),
      { numRuns: 2000 },
    )
  })

  it('means by any object what JSON means by it', () => {
    const values = [fc.string(), fc.double(), fc.constant(undefined), fc.constant(Symbol('s'))]
    fc.assert(
      fc.property(
        fc.object({ values: [...values, fc.boolean(), fc.constant(null)], maxDepth: 4 }),
        (value) => same(value),
      ),
      { numRuns: 1000 },
    )
  })

  it('gives back every number at every depth', () => {
    const numbers = fc.oneof(
      fc.double(),
      fc.maxSafeInteger(),
      fc.integer(),
      fc.bigInt().map(Number),
    )
    fc.assert(
      fc.property(numbers, (value) => {
        same(value)
        same([value, { value }])
      }),
      { numRuns: 5000 },
    )
  })

  for (const [name, value] of Object.entries({
    'a field without a form': { a: undefined, b: () => 1, c: Symbol('c'), d: 1 },
    'a place without a form': [undefined, () => 1, Symbol('c'), 1],
    'a hole': Object.assign(new Array(3), { 1: 'there' }),
    'toJSON, with its key': { at: { toJSON: (key: string) => `at ${key}` } },
    'a toJSON that gives itself': {
      toJSON() {
        return this
      },
      a: 1,
    },
    boxes: [Object(1), Object('text'), Object(false)],
    'maps, sets, expressions and errors': [new Map([[1, 2]]), new Set([1]), /a/, new Error('no')],
    'an object without a prototype': Object.assign(Object.create(null), { a: 1 }),
    'typed arrays': new Float32Array([1, 2]),
    'an invalid date': { at: new Date(Number.NaN) },
    'names of Object.prototype': JSON.parse('{"constructor":{"prototype":{"a":1}},"toString":1}'),
    'more fields than 16 bits count': Object.fromEntries(
      Array.from({ length: 70_000 }, (_, n) => [`f${n}`, n]),
    ),
  })) {
    it(`means what JSON means by ${name}`, () => same(value))
  }

  for (const value of [undefined, () => 1, Symbol('s'), { toJSON: () => undefined }, 1n, [1n]]) {
    it(`refuses ${typeof value === 'object' ? 'an object without a form' : typeof value}`, () => {
      assert.throws(() => encode(value), { code: 'ERR_USAGE', name: 'MemorywareError' })
    })
  }

  it('refuses cycles', () => {
    const one: { other?: unknown } = {}
    one.other = [one]
    assert.throws(() => encode(one), { code: 'ERR_USAGE' })
  })

  it('gives back dates to the millisecond', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        assert.deepEqual(decode(encode({ date })), { date })
        assert.deepEqual(decode(encode(date)), date)
      }),
      { numRuns: 2000 },
    )
  })

  it('gives back bytes as a Buffer of its own', () => {
    const stored = Buffer.from(encode({ seal: new Uint8Array([1, 2, 255]) }))
    const { seal } = decode(stored) as { seal: Buffer }
    assert.ok(Buffer.isBuffer(seal))
    assert.deepEqual([...seal], [1, 2, 255])
    seal.fill(0)
    assert.deepEqual(decode(stored), { seal: Buffer.from([1, 2, 255]) })
  })

  it('keeps no more memory than the bytes', () => {
    const value = encode({ text: 'short' })
    encode({ text: 'x'.repeat(1_000_000) })
    assert.ok(encode({ text: 'short' }).buffer.byteLength <= 2 * Buffer.poolSize)
    assert.deepEqual(decode(value), { text: 'short' })
  })

  it('writes what UTF-8 cannot hold as U+FFFD', () => {
    assert.deepEqual(decode(encode(['a\ud800'])), ['a\ufffd'])
  })

  it('leaves nothing on the bytes it reads', () => {
    const stored = encode([1])
    decode(stored)
    assert.ok(!Object.hasOwn(stored, 'dataView'))
  })
})

describe('msgpack and numbers', () => {
  it('writes whole numbers as decimal text', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        assert.equal(Buffer.from(encode(value)).toString(), String(value))
        assert.equal(decode(Buffer.from(String(value))), value)
      }),
    )
  })

  it('begins nothing else below 0x80, so that text is never taken for MessagePack', () => {
    const values = fc.oneof(fc.jsonValue(), fc.date({ noInvalidDate: true }), fc.uint8Array())
    fc.assert(
      fc.property(values, (value) => {
        const first = encode(value)[0] ?? 0
        assert.equal(first < 0x80, Number.isSafeInteger(value))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads what the json serializer wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(decode(json.encode(value)), json.decode(json.encode(value)))
      }),
    )
  })
})

describe('a store with msgpack', () => {
  let server: TestServer
  const stores: Store[] = []
  before(async () => {
    server = await startRedis()
    for (const serializer of [json, msgpack])
      stores.push(
        createStore({ url: server.url, prefix: `${serializer.name}:`, serializer, deadline: '1s' }),
        createStore({ provider: 'embedded', serializer }),
      )
  })
  after(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await server.stop()
  })

  it('counts on from a number that was set, and reads what was counted', async () => {
    for (const store of stores) {
      await store.set('count', 5)
      assert.equal(await store.incr('count'), 6)
      assert.equal(await store.incr('fresh', -3), -3)
      assert.deepEqual(await store.mget(['count', 'fresh']), [6, -3])
      await store.set('count', 1.5)
      await assert.rejects(store.incr('count'), { code: 'ERR_STORE' })
    }
  })

  it('says of bytes that are none of its own that they are corrupt', async () => {
    const store = createStore({ url: server.url, serializer: msgpack, deadline: '1s' })
    await server.client().set('odd', Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff))
    await assert.rejects(store.get('odd'), { code: 'ERR_STORE', reason: 'corrupt' })
    await store.close()
  })
})
