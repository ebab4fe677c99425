import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { codecOf } from '../../lib/history/codec.ts'
import { decodePieces, encodePieces } from '../../lib/history/pieces.ts'
import type { Chunk } from '../../lib/history/stream/chunk.ts'
import { answerReader } from '../../lib/history/stream/source.ts'
import { json } from '../../lib/index.ts'

const codec = codecOf(json, 'ann')
const deep = '['.repeat(300) + ']'.repeat(300)
const long = 'x'.repeat(2000)

const chat = (call: object) => [
  { choices: [{ delta: { content: 'so' } }] },
  { choices: [{ delta: { tool_calls: [{ index: 0, ...call }] }, finish_reason: 'tool_calls' }] },
]
const answers: Readonly<Record<string, readonly unknown[]>> = {
  'a deep input in OpenAI’s chat': chat({ id: 'a', function: { name: 'f', arguments: deep } }),
  'a long name in OpenAI’s chat': chat({ id: 'a', function: { name: long, arguments: '{}' } }),
  'a long id in OpenAI’s chat': chat({ id: long, function: { name: 'f', arguments: '{}' } }),
  'a deep input of Anthropic’s': [
    {
      type: 'message',
      content: [
        { type: 'text', text: 'so' },
        { type: 'tool_use', id: 'a', name: 'f', input: { at: JSON.parse(deep) } },
      ],
    },
  ],
  'a deep input in OpenAI’s Responses': [
    {
      object: 'response',
      output: [{ type: 'function_call', call_id: 'a', name: 'f', arguments: deep }],
    },
  ],
  'deep data of the AI SDK’s': [
    { type: 'data-x', data: JSON.parse(deep) },
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: 'and more' },
  ],
  'a result of the AI SDK’s that is deep': [
    { type: 'tool-input-available', toolCallId: 'a', toolName: 'f', input: {} },
    { type: 'tool-output-available', toolCallId: 'a', output: JSON.parse(deep) },
  ],
}

describe('pieces of a hostile answer', () => {
  for (const [name, pieces] of Object.entries(answers))
    it(`are read again by whoever follows or saves it: ${name}`, () => {
      const reader = answerReader()
      const chunks: Chunk[] = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]
      assert.notEqual(chunks.length, 0)
      const bytes = Buffer.from(encodePieces(codec, 't', { first: 1, chunks }))
      assert.deepEqual(decodePieces(codec, 't', bytes).chunks, chunks)
    })

  it('tell that an input is too deep', () => {
    const reader = answerReader()
    const chunks = (answers['a deep input in OpenAI’s chat'] ?? []).flatMap((piece) =>
      reader.push(piece),
    )
    assert.equal(chunks.at(-1)?.type, 'tool-input-error')
  })
})
