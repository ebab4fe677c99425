import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { isChunk } from '../../lib/history/stream/chunk.ts'
import { fold } from '../../lib/history/stream/fold.ts'
import { type AnswerSource, answerReader, piecesOf } from '../../lib/history/stream/source.ts'
import { readAnswer, textOf } from '../support/answers.ts'

describe('a source of an answer', () => {
  it('may be texts, bytes, a web stream, or one text', async () => {
    const bytes = new TextEncoder().encode('Grüezi 👋')
    const cut = [bytes.slice(0, 3), bytes.slice(3, 11), bytes.slice(11)]
    const sources: (AnswerSource | string)[] = [
      ['Grüezi', ' ', '👋'],
      'Grüezi 👋',
      bytes,
      cut,
      new Blob([bytes]).stream(),
      withoutIterator(cut),
    ]
    for (const source of sources) {
      const { chunks, reply, reader } = await readAnswer(piecesOf(source))
      assert.deepEqual(reply, [{ role: 'assistant', content: 'Grüezi 👋' }])
      assert.equal(textOf(chunks), 'Grüezi 👋')
      assert.equal(reader.form(), 'text')
    }
  })

  it('is not what cannot be read piece by piece', () => {
    for (const source of [undefined, null, 5, {}, () => {}])
      assert.throws(() => piecesOf(source as unknown as AnswerSource), { code: 'ERR_USAGE' })
  })

  it('that is a web stream is cancelled when nobody reads on', async () => {
    let cancelled = false
    const stream = withoutIterator(['a', 'b'], () => {
      cancelled = true
    })
    for await (const _ of piecesOf(stream)) break
    assert.ok(cancelled)
  })

  it('says nothing where it has no pieces, or only such of no known form', async () => {
    const { chunks, reply, reader } = await readAnswer([null, 7, {}, { type: 'data' }, [], ''])
    assert.deepEqual(chunks, [])
    assert.deepEqual(reply, [])
    assert.equal(reader.usage(), undefined)
    assert.equal(reader.failure(), undefined)
  })

  it('of several forms is an answer of the AI SDK with everything in it', async () => {
    const { reply, reader } = await readAnswer([
      { type: 'source-url', sourceId: 's', url: 'https://example.com' },
      { id: 'c', choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello' } }] },
      { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ])
    assert.deepEqual(reply, [
      {
        role: 'assistant',
        parts: [
          { type: 'source-url', sourceId: 's', url: 'https://example.com' },
          { type: 'text', text: 'Hello', state: 'done' },
        ],
      },
    ])
    assert.equal(reader.form(), 'ai-sdk')
  })

  it('has failed where a chat completion reports an error', async () => {
    const error = { message: 'secret', code: 429 }
    const { chunks, reader } = await readAnswer([{ error }])
    assert.equal(reader.failure(), error)
    assert.deepEqual(chunks, [{ type: 'error', errorText: 'An error occurred.' }])
  })

  it('gives chunks and an answer, whatever its pieces are', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 20 }), (pieces) => {
        const reader = answerReader()
        const chunks = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]
        assert.deepEqual(
          chunks.filter((chunk) => !isChunk(chunk)),
          [],
        )
        JSON.stringify(reader.reply())
        fold(chunks)
      }),
      { numRuns: 500 },
    )
  })
})

const fields = [
  'type',
  'id',
  'index',
  'delta',
  'text',
  'content',
  'choices',
  'tool_calls',
  'function',
  'arguments',
  'name',
  'message',
  'content_block',
  'output_index',
  'item',
  'response',
  'output',
  'usage',
  'finish_reason',
  'toolCallId',
  'toolName',
  'input',
  'data',
  'error',
  '__proto__',
]

const types = [
  'text-delta',
  'tool-call',
  'tool-result',
  'tool-input-start',
  'tool-input-delta',
  'data-x',
  'start',
  'finish',
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'message',
  'text',
  'tool_use',
  'thinking',
  'response.created',
  'response.output_item.added',
  'response.output_item.done',
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'response.completed',
  'function_call',
  'function_call_output',
  'error',
]

/** Pieces that resemble those of providers, with anything anywhere. */
const hostile = fc.letrec((again) => ({
  piece: fc.oneof(
    { weight: 3, arbitrary: fc.dictionary(fc.constantFrom(...fields), again('value')) },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constantFrom(...types) }, { noNullPrototype: true }),
    },
    fc.tuple(fc.constantFrom(...types), again('value')).map(([type, more]) => ({
      ...(typeof more === 'object' ? more : {}),
      type,
    })),
    fc.anything(),
  ),
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...types, 0, 1, '', 'call_1', '{}', '{"a":1}', null, undefined),
    fc.string(),
    again('piece'),
    fc.array(again('piece'), { maxLength: 3 }),
    fc.bigInt(),
  ),
})).piece

function withoutIterator(pieces: readonly unknown[], cancel = () => {}): AnswerSource {
  const stream = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      if (pieces.length > 2) controller.close()
    },
    cancel,
  })
  return { getReader: () => stream.getReader() } as unknown as AnswerSource
}
