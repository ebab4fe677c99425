import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { json } from '../../lib/index.ts'
import { msgpack } from '../../lib/msgpack.ts'

const { encode, decode } = msgpack

const bytes = (...each: (number | string | Buffer)[]) =>
  Buffer.concat(each.map((one) => (typeof one === 'number' ? Buffer.of(one) : Buffer.from(one))))

describe('msgpack of hostile bytes', () => {
  const nested = (depth: number) => bytes(Buffer.alloc(depth, 0x91), 0xc0)
  const record = [0xd4, 0x72, 0x40, 0x91, 0xa1, 'a', 1]
  const hostile: Record<string, Buffer> = {
    nothing: bytes(),
    'an array of 4 billion': bytes(0xdd, 0xff, 0xff, 0xff, 0xff),
    'a map of 4 billion': bytes(0xdf, 0xff, 0xff, 0xff, 0xff),
    'a text of 4 billion': bytes(0xdb, 0xff, 0xff, 0xff, 0xff),
    'bytes of 4 billion': bytes(0xc6, 0xff, 0xff, 0xff, 0xff),
    'arrays of what is left, each in the other': bytes(
      ...Array.from({ length: 900 }, () => [0xdc, 0x0b, 0x00]).flat(),
      Buffer.alloc(2000, 0xc0),
    ),
    'a depth of 1,001': nested(1001),
    'a depth of a million': nested(1_000_000),
    'a depth of a million maps': bytes(Buffer.from('81a161'.repeat(1_000_000), 'hex'), 0xc0),
    'bytes after the value': bytes(0x91, 0xc0, 0xc0),
    'text after a number': Buffer.from('12x'),
    'a number with a leading zero': Buffer.from('007'),
    'a small number as MessagePack has it': bytes(7),
    'a key that is a number': bytes(0x81, 1, 1),
    'the byte that is never used': bytes(0x91, 0xc1),
    'undefined, as msgpackr writes it': bytes(0x91, 0xd4, 0, 0),
    'a record of msgpackr': bytes(0x91, ...record),
    'an expression of msgpackr': bytes(0xd4, 0x78, 0, 0x92, 0xa1, 'a', 0xa0),
    'an error of msgpackr': bytes(0xd4, 0x65, 0, 0x93, 0xa5, 'Error', 0xa1, 'a', 0xc0),
    'a set of msgpackr': bytes(0xd4, 0x73, 0, 0x91, 1),
    'a pointer of msgpackr': bytes(0x91, 0xd6, 0x70, 0, 0, 0, 1),
    'a bundle of msgpackr': bytes(0xd6, 0x62, 0, 0, 0, 4, 0xc0),
    'a typed array of msgpackr': bytes(0xd5, 0x74, 1, 1),
    'an extension of another length': bytes(0xc7, 3, 0xff, 0, 0, 0),
  }

  for (const [name, input] of Object.entries(hostile)) {
    it(`refuses ${name}`, () => {
      const before = process.memoryUsage()
      assert.throws(() => decode(input), Error)
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      assert.ok(heapUsed - before.heapUsed < 32e6, 'heap')
      assert.ok(arrayBuffers - before.arrayBuffers < 32e6, 'buffers')
    })
  }

  it('reads a depth of 1,000, as it writes it', () => {
    assert.deepEqual(encode(decode(nested(1000))), nested(1000))
    assert.throws(() => encode([decode(nested(1000))]), { code: 'ERR_USAGE' })
  })

  it('refuses every truncation of a value', () => {
    const value = { text: 'x'.repeat(40), at: new Date(1), list: [1, 300, -5, 1.5], seal: bytes(1) }
    const whole = encode(value)
    for (let end = 0; end < whole.length; end += 1)
      assert.throws(() => decode(whole.subarray(0, end)), Error, String(end))
    assert.deepEqual(decode(whole), value)
  })

  it('never gives anything but a value or an error, whatever the bytes', () => {
    const allowed = (value: unknown): boolean => {
      if (typeof value !== 'object' || value === null)
        return ['string', 'number', 'boolean', 'object'].includes(typeof value)
      if (value instanceof Date || Buffer.isBuffer(value)) return true
      const proto = Object.getPrototypeOf(value)
      if (proto !== Array.prototype && proto !== Object.prototype) return false
      return Object.values(value).every(allowed)
    }
    const token = fc.oneof(fc.integer({ min: 0x80, max: 0xff }), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), (tokens) => {
        let value: unknown
        try {
          value = decode(Buffer.from(tokens))
        } catch {
          return true
        }
        return allowed(value)
      }),
      { numRuns: 20_000 },
    )
    assert.deepEqual(decode(encode({ still: 'well' })), { still: 'well' })
  })

  it('keeps a field named __proto__ a field', () => {
    const value = JSON.parse('{"__proto__":{"admin":true},"list":[{"__proto__":[1]}],"a":1}')
    assert.deepEqual(decode(encode(value)), json.decode(json.encode(value)))
    const back = decode(encode(value)) as { admin?: unknown }
    assert.equal(back.admin, undefined)
    assert.equal(Object.getPrototypeOf(back), Object.prototype)
    assert.ok(Object.hasOwn(back, '__proto__'))
    assert.equal(({} as { admin?: unknown }).admin, undefined)
  })

  it('says nothing of the value in its error', () => {
    const input = bytes(encode({ text: 'a secret' }) as Buffer, 0xc0)
    assert.throws(
      () => decode(input),
      (error: Error) => !error.message.includes('secret'),
    )
  })
})
