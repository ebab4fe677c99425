import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readJson, readMessage } from '../lib/quick-json.ts'
import { redacted } from '../lib/redact.ts'

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '"', '\\', '\n', '","createdAt":1}', 'a","turn":"b', '{"content":"'),
)
const time = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.double())
const message = fc.oneof(
  fc.record({ content: text, createdAt: time }),
  fc.record({ content: text, turn: text, createdAt: time }),
  fc.record({ content: text, status: text, turn: text, createdAt: time }),
  fc.record({ createdAt: time, content: text }),
  fc.record({ content: fc.jsonValue(), createdAt: fc.jsonValue() }),
  fc.jsonValue(),
)

describe('JSON of messages', () => {
  it('is what JSON.parse() makes of it, with its members in that order', () => {
    fc.assert(
      fc.property(message, (value) => {
        const json = JSON.stringify(value)
        const read = ours(json)
        assert.deepEqual(read, theirs(json))
        assert.equal(JSON.stringify(read), JSON.stringify(theirs(json)))
        assert.deepEqual(readJson(Buffer.from(json)), JSON.parse(json))
      }),
      { numRuns: 2000 },
    )
  })

  it('is refused where JSON.parse() refuses it, but for control characters in a text', () => {
    const cut = fc.record({
      at: fc.nat(80),
      with: fc.constantFrom('', '"', '\\', '}', ',', '0', 'x'),
    })
    fc.assert(
      fc.property(message, cut, (value, { at, with: piece }) => {
        const json = JSON.stringify(value)
        const place = at % (json.length + 1)
        const broken = json.slice(0, place) + piece + json.slice(place + 1)
        assert.deepEqual(outcome(ours, broken), outcome(theirs, broken))
      }),
      { numRuns: 5000 },
    )
  })

  for (const json of [
    '{"content":"a","createdAt":01}',
    '{"content":"a","createdAt":1e3}',
    '{"content":"a","createdAt":-1}',
    '{"content":"a","createdAt":}',
    '{"content":"a","createdAt":1',
    '{"content":"a","createdAt":1}}',
    '{"content":"a","createdAt":1} ',
    '{"content":"a","createdAt":9999999999999999}',
    '{"content":"a","turn":"b}',
    '{"content":"a","turn":"b","turn":"c","createdAt":1}',
    '{"content":"a","content":"b","createdAt":1}',
    '{"content":"a","turn":"b\\"","createdAt":1}',
    '{"content":"',
    '{"content":"a"}',
  ])
    it(`means the same to both: ${json}`, () => {
      assert.deepEqual(outcome(ours, json), outcome(theirs, json))
    })

  it('is text in UTF-8, also where that is no text or begins with a mark of its order', () => {
    const [mark, torn] = [
      Buffer.from('\uFEFF{"content":"a"}'),
      Buffer.from([0x22, 0xe2, 0x82, 0x22]),
    ]
    for (const bytes of [torn, new Uint8Array(torn)]) assert.equal(readJson(bytes), '\uFFFD')
    for (const bytes of [mark, new Uint8Array(mark)])
      assert.throws(() => readJson(bytes), new SyntaxError('These bytes are no JSON'))
  })

  it('is not quoted where it is refused, also where it is no bytes', () => {
    for (const refused of [Buffer.from('{"secret'), '{"secret":1}' as never])
      for (const read of [readJson, (bytes: Uint8Array) => readMessage(bytes, 'q1', 'user')])
        assert.throws(() => read(refused), new SyntaxError('These bytes are no JSON'))
  })

  it('is read where its bytes show nobody their text', () => {
    const json = '{"content":"a","createdAt":1}'
    assert.deepEqual(readMessage(redacted(json), 'q1', 'user'), theirs(json))
    assert.deepEqual(readJson(redacted(json)), JSON.parse(json))
  })

  it('is read without JSON.parse() where it is a plain message', () => {
    const parse = JSON.parse
    const asked: string[] = []
    JSON.parse = (json: string) => {
      asked.push(json)
      return parse(json)
    }
    try {
      const plain = '{"content":"What is a mark?","createdAt":1700000000000}'
      const answer = '{"content":"A \u{1f516}.","turn":"q1","createdAt":1700000000001}'
      const read = [ours(plain), ours(answer)]
      assert.deepEqual(asked, [])
      assert.deepEqual(read, [theirs(plain), theirs(answer)])
    } finally {
      JSON.parse = parse
    }
  })
})

function ours(json: string): unknown {
  return readMessage(Buffer.from(json), 'q1', 'user')
}

function theirs(json: string): unknown {
  // A cut may have left half a character, which has no bytes.
  const value = JSON.parse(json.toWellFormed())
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? Object.assign(value, { id: 'q1', role: 'user' }) : value
}

function outcome(read: (json: string) => unknown, json: string): unknown {
  try {
    return { value: read(json) }
  } catch (error) {
    return error instanceof SyntaxError ? 'refused' : error
  }
}
