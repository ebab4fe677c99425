import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { decodePieces, encodePieces, type LivePiece } from '../../lib/cache/live-pieces.ts'
import { variantOf } from '../../lib/cache/vary.ts'
import { headOf } from './lives.ts'
import { headSaid, sealedHead } from './sealed-head.ts'

const key = 'cache:{a}'
const head: LivePiece = { kind: 'head', head: headOf(), maxBytes: 1024 }
const body = (text: string): LivePiece => ({ kind: 'body', bytes: Buffer.from(text) })

/** The bytes of one piece with this code and payload. */
function frame(code: string, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  const start = Buffer.alloc(5)
  start.write(code)
  start.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([start, bytes])
}

/** The head piece with parts of its JSON replaced. */
function headWith(more: object): Buffer {
  const json = JSON.parse(encodePieces(key, [head]).toString('utf8', 5)) as object
  return frame('h', JSON.stringify({ ...json, ...more }))
}

/** The head piece with parts of its entry replaced; its digest is that of an entry with this body. */
function entryWith(more: object, text = ''): Buffer {
  const { entry } = JSON.parse(encodePieces(key, [head]).toString('utf8', 5)) as { entry: string }
  const said = { ...headSaid(Buffer.from(entry)), ...more }
  return headWith({ entry: sealedHead(said, Buffer.from(text)).toString() })
}

describe('pieces of an answer in the making', () => {
  it('are read as they were written', () => {
    const pieces = [head, body('a'), body('\0\r\nü'), { kind: 'complete' } as const]
    assert.deepEqual(decodePieces(key, encodePieces(key, pieces)), pieces)
  })

  it('tell of the fields that choose the variant', () => {
    const names = ['accept', 'accept-language']
    const varied = headOf({ names, variant: variantOf(names, { accept: 'a' }) })
    const piece: LivePiece = { kind: 'head', head: varied, maxBytes: 1 }
    assert.deepEqual(decodePieces(key, encodePieces(key, [piece])), [piece])
  })

  it('are refused under another resource', () => {
    assert.equal(decodePieces('cache:{b}', encodePieces(key, [head])), undefined)
  })

  it('are refused torn anywhere', () => {
    const bytes = encodePieces(key, [head, body('abc')])
    const whole = new Set([encodePieces(key, [head]).length, bytes.length])
    for (let end = 0; end <= bytes.length; end += 1)
      assert.equal(
        decodePieces(key, bytes.subarray(0, end)) !== undefined,
        whole.has(end),
        `${end}`,
      )
  })

  const set = 'set-cookie'
  for (const [fact, bytes] of [
    ['no pieces', Buffer.alloc(0)],
    ['an unknown piece', frame('z', '')],
    ['an empty body', frame('b', '')],
    ['an end with bytes', frame('c', 'x')],
    ['a break with bytes', frame('x', 'x')],
    ['a head that is no JSON', frame('h', '{')],
    ['a head that is no object', frame('h', '7')],
    ['a head that is null', frame('h', 'null')],
    ['no names', headWith({ names: undefined })],
    ['names that are no fields', headWith({ names: ['a b'], variant: 'a'.repeat(43) })],
    ['the name for all', headWith({ names: ['*'], variant: 'a'.repeat(43) })],
    ['names out of order', headWith({ names: ['b', 'a'], variant: 'a'.repeat(43) })],
    ['names in capitals', headWith({ names: ['A'], variant: 'a'.repeat(43) })],
    ['a variant without names', headWith({ variant: 'a'.repeat(43) })],
    ['names without a variant', headWith({ names: ['a'] })],
    ['a variant that is no text', headWith({ variant: 1 })],
    ['no size', headWith({ maxBytes: 0 })],
    ['no entry', headWith({ entry: undefined })],
    ['a status that is never stored', entryWith({ status: 206 })],
    ['a field that is never stored', entryWith({ fields: { [set]: 'a=1' } })],
    ['a field that breaks the line', entryWith({ fields: { a: 'b\r\nc: d' } })],
    ['an entry of another version', entryWith({ version: 1 })],
    ['an entry of another variant', entryWith({ variant: 'a'.repeat(43) })],
    ['an entry of another resource', entryWith({ key: 'cache:{b}' })],
    ['an entry that has a body', entryWith({}, 'a')],
  ] as const)
    it(`are refused with ${fact}`, () => assert.equal(decodePieces(key, bytes), undefined))
})
