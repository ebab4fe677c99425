import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { afterEvent, eventCursor, isStream } from '../../lib/cache/event-stream.ts'

const after = (body: string, id: string): string | undefined =>
  afterEvent(Buffer.from(body), id)?.toString()

/** What a cursor lets through, where the body comes in pieces of so many bytes. */
function inPieces(body: string, id: string, size: number): string {
  const cut = eventCursor(id)
  const bytes = Buffer.from(body)
  const through: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const rest = cut(bytes.subarray(at, at + size))
    if (rest) through.push(rest)
  }
  return Buffer.concat(through).toString()
}

describe('which answers are streams', () => {
  for (const type of [
    'text/event-stream',
    'Text/Event-Stream; charset=utf-8',
    'application/x-ndjson',
    'application/ndjson ;charset=utf-8',
    'application/jsonl',
  ])
    it(type, () => assert.equal(isStream({ 'content-type': type }), true))

  for (const type of ['text/event-stream-like', 'application/json', 'text/plain', ''])
    it(`not: ${type}`, () => assert.equal(isStream({ 'content-type': type }), false))

  it('not: none', () => assert.equal(isStream({}), false))
})

describe('what comes after an event', () => {
  const cases: readonly (readonly [
    fact: string,
    body: string,
    id: string,
    rest: string | undefined,
  ])[] = [
    ['line feeds', 'id: 1\ndata: a\n\nid: 2\ndata: b\n\n', '1', 'id: 2\ndata: b\n\n'],
    ['carriage returns', 'id: 1\rdata: a\r\rid: 2\rdata: b\r\r', '1', 'id: 2\rdata: b\r\r'],
    ['both', 'id: 1\r\ndata: a\r\n\r\nid: 2\r\n\r\n', '1', 'id: 2\r\n\r\n'],
    ['mixed line ends', 'id: 1\rdata: a\n\r\nid: 2\n\n', '1', 'id: 2\n\n'],
    ['the last', 'id: 1\n\nid: 2\ndata: b\n\n', '2', ''],
    ['no space after the colon', 'id:1\n\nrest', '1', 'rest'],
    ['only one space is taken off', 'id:  1\n\nrest', ' 1', 'rest'],
    ['a byte order mark', '\ufeffid: 1\n\nrest', '1', 'rest'],
    ['a byte order mark is none later on', 'a\n\ufeffid: 1\n\nrest', '1', undefined],
    ['an id after the text', 'data: a\nid: 1\n\nrest', '1', 'rest'],
    ['the later of two ids of an event', 'id: 1\nid: 2\n\nrest', '1', undefined],
    ['the later of two ids of an event counts', 'id: 1\nid: 2\n\nrest', '2', 'rest'],
    ['an id with NULL is none', 'id: 1\nid: 2\0\n\nrest', '1', 'rest'],
    ['a long id with NULL is none', `id: 1\nid: ${'2'.repeat(99)}\0\n\nrest`, '1', 'rest'],
    ['an id with NULL is not found', 'id: 1\0\n\nrest', '1', undefined],
    ['an id that begins alike', 'id: 12\n\nid: 1\n\nrest', '1', 'rest'],
    ['an id that is longer', 'id: 1\n\nrest', '12', undefined],
    ['a field that begins alike', 'idx: 1\nid2\n\nrest', '1', undefined],
    ['names of fields are exact', 'ID: 1\n id: 1\n\nrest', '1', undefined],
    ['a comment', ': id: 1\n:id: 1\n\nrest', '1', undefined],
    ['an event that has not ended', 'id: 1\ndata: a\n', '1', undefined],
    ['an id that is taken back', 'id: 1\nid\n\nrest', '1', undefined],
    ['events without ids come again', 'id: 1\n\ndata: b\n\nid: 2\n\n', '1', 'data: b\n\nid: 2\n\n'],
    ['an event of an id alone', 'id: 1\n\n\n\nrest', '1', '\n\nrest'],
    ['none', 'data: a\n\n', '1', undefined],
    ['the empty id', 'id:\n\nrest', '', undefined],
    ['more than ASCII', 'id: ä€😀\n\nrest', 'ä€😀', 'rest'],
    [
      'more than ASCII, as a field brings it',
      'id: ä€😀\n\nrest',
      Buffer.from('ä€😀').toString('latin1'),
      'rest',
    ],
  ]
  for (const [fact, body, id, rest] of cases) {
    it(fact, () => assert.equal(after(body, id), rest))

    if (id !== '')
      it(`${fact}, in pieces`, () => {
        for (const size of [1, 2, 3, 5, 7]) assert.equal(inPieces(body, id, size), rest ?? '')
      })
  }

  it('is all where the cursor has no id', () => {
    assert.equal(inPieces('id: 1\n\nrest', '', 3), 'id: 1\n\nrest')
  })
})
