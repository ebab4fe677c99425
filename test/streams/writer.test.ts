import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { codecOf } from '../../lib/history/codec.ts'
import { decodePieces, encodePieces } from '../../lib/history/pieces.ts'
import type { Chunk } from '../../lib/history/stream/chunk.ts'
import { eventId, parseEventId } from '../../lib/history/stream/event-id.ts'
import { streamWriter } from '../../lib/history/stream/writer.ts'
import { json } from '../../lib/serializer.ts'
import { kept } from '../support/answers.ts'
import { readEvents } from '../support/sse.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\n', '\r\n\r\n', '\n\nevent: done\ndata: {}\n\n', '\u2028', '\0', '\ud83d'),
)

describe('an answer written as events', () => {
  it('tells of the message, its text, everything else, and how it ended', () => {
    const writer = streamWriter('sse')
    const call: Chunk = { type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: '{' }
    const body = [
      writer.head({ messageId: 'm', turn: 'q' }),
      writer.piece({ type: 'text-delta', id: 't', delta: 'Hello' }, 'q:1'),
      writer.comment(),
      writer.piece(call, 'q:2'),
      writer.end('complete', 'm'),
    ].join('')
    assert.deepEqual(
      readEvents(body).map(({ data, ...event }) => ({ ...event, data: JSON.parse(data) })),
      [
        { id: '', event: 'start', data: { message: 'm', turn: 'q' } },
        { id: 'q:1', event: 'delta', data: { text: 'Hello' } },
        { id: 'q:2', event: 'tool-input-delta', data: call },
        { id: 'q:2', event: 'done', data: { status: 'complete', message: 'm' } },
      ],
    )
  })

  it('has an error under a name that is not that of a lost connection', () => {
    const piece = streamWriter('sse').piece({ type: 'error', errorText: 'No.' }, 'q:1')
    assert.equal(readEvents(piece)[0]?.event, 'failure')
  })

  it('keeps its frame whatever text comes', () => {
    fc.assert(
      fc.property(fc.array(hostile), hostile, hostile, (texts, id, name) => {
        const writer = streamWriter('sse')
        const pieces: Chunk[] = [
          ...texts.map((delta): Chunk => ({ type: 'text-delta', id, delta })),
          { type: `data-${name}`, data: name },
        ]
        const body = pieces.map((piece) => writer.piece(piece, `q${id}:1`)).join('')
        const read = readEvents(Buffer.from(`${body}${writer.end('failed', name)}`).toString())
        assert.deepEqual(
          read.map(({ data }) => JSON.parse(data)),
          kept([
            ...texts.map((text) => ({ text })),
            pieces.at(-1),
            { status: 'failed', message: name },
          ]),
        )
        assert.deepEqual(
          read.slice(0, texts.length).map(({ event }) => event),
          texts.map(() => 'delta'),
        )
      }),
    )
  })

  it('is not held back or changed on its way', () => {
    for (const form of ['sse', 'ui'] as const) {
      const { headers } = streamWriter(form)
      assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
      assert.equal(headers['cache-control'], 'private, no-store, no-transform')
      assert.equal(headers['x-accel-buffering'], 'no')
    }
    assert.equal(streamWriter('ui').headers['x-vercel-ai-ui-message-stream'], 'v1')
    assert.equal(streamWriter('text').headers['content-type'], 'text/plain; charset=utf-8')
  })
})

describe('an answer written as text', () => {
  it('has nothing but the text', () => {
    const writer = streamWriter('text')
    const parts = [
      writer.head({ messageId: 'm', turn: 'q' }),
      writer.comment(),
      writer.piece({ type: 'reasoning-delta', id: 'r', delta: 'Hm' }, 'q:1'),
      writer.piece({ type: 'text-delta', id: 't', delta: 'Hello' }, 'q:2'),
      writer.end('complete', 'm'),
    ]
    assert.deepEqual(parts, ['', '', '', 'Hello', ''])
  })

  it('is the same in UTF-8, wherever its pieces are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat({ max: 20 })), (whole, cuts) => {
        const writer = streamWriter('text')
        const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length]
        const sent = places.map((place, at) => {
          const delta = whole.slice(place, Math.max(place, places[at + 1] ?? place))
          return Buffer.from(writer.piece({ type: 'text-delta', id: 't', delta }, 'q:1'))
        })
        const all = Buffer.concat([...sent, Buffer.from(writer.end('complete', 'm'))])
        assert.equal(all.toString(), whole)
      }),
    )
  })
})

describe('a batch of pieces', () => {
  const codec = codecOf(json, 'ann')

  it('comes back as it was, with the number of its first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.array(hostile, { minLength: 1 }), (first, texts) => {
        const chunks = texts.map((delta): Chunk => ({ type: 'text-delta', id: 't', delta }))
        const bytes = Buffer.from(encodePieces(codec, 'q', { first, chunks }))
        assert.deepEqual(decodePieces(codec, 'q', bytes), { first, chunks })
      }),
    )
  })

  it('is refused in any other form', () => {
    const chunks = [{ type: 'start' }]
    for (const other of [
      null,
      1,
      chunks,
      { chunks },
      { first: 0, chunks },
      { first: -1, chunks },
      { first: 1.5, chunks },
      { first: '1', chunks },
      { first: 1 },
      { first: 1, chunks: [] },
      { first: 1, chunks: [5] },
    ])
      assert.throws(
        () => decodePieces(codec, 'q', Buffer.from(JSON.stringify(other))),
        { code: 'ERR_STORE', reason: 'corrupt' },
        JSON.stringify(other),
      )
    assert.throws(() => decodePieces(codec, 'q', Buffer.from('{"first":1')), { reason: 'corrupt' })
    const seventh = Buffer.from(JSON.stringify({ first: 7, chunks }))
    assert.deepEqual(decodePieces(codec, 'q', seventh), { first: 7, chunks })
  })
})

describe('an event id', () => {
  it('names a turn and a piece, and is nothing in any other form', () => {
    const place = { turn: '~ab%2F.c@d-e_f', number: 12 }
    assert.deepEqual(parseEventId(eventId(place)), place)
    assert.deepEqual(parseEventId('q:0'), { turn: 'q', number: 0 })
    const others = [
      '',
      'q',
      'q:',
      ':1',
      'q:01',
      'q:-1',
      'q:1.5',
      'q:1\n',
      'q r:1',
      'q:9007199254740993',
    ]
    for (const text of [...others, `${'q'.repeat(401)}:1`, undefined, ['q:1']])
      assert.equal(parseEventId(text), undefined)
  })
})
