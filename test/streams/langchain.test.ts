import assert from 'node:assert/strict'
import { AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages'
import { FakeListChatModel, FakeStreamingChatModel } from '@langchain/core/utils/testing'
import { describe, it } from 'mocha'
import { readAnswer, textOf } from '../support/answers.ts'

function callPiece(
  call: { id?: string; name?: string; args: string },
  used: { input: number; output: number },
): AIMessageChunk {
  const piece = new AIMessageChunk({
    id: 'run-1',
    content: '',
    tool_call_chunks: [{ index: 0, type: 'tool_call_chunk', ...call }],
  })
  const { input, output } = used
  const usage_metadata = {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
  }
  return Object.assign(piece, { usage_metadata })
}

describe('a stream of LangChain', () => {
  it('gives the text a chat model streams', async () => {
    const model = new FakeListChatModel({ responses: ['Good morning'] })
    const { chunks, reply, reader } = await readAnswer(await model.stream('Hello'))
    assert.deepEqual(reply, [{ role: 'assistant', content: 'Good morning' }])
    assert.equal(textOf(chunks), 'Good morning')
    assert.equal(reader.form(), 'openai')
  })

  it('gives the parts of text a chat model streams', async () => {
    const chunks = ['Good ', 'morning'].map(
      (text) => new AIMessageChunk({ content: [{ type: 'text', text }] }),
    )
    const model = new FakeStreamingChatModel({ chunks })
    const { reply } = await readAnswer(await model.stream('Hello'))
    assert.deepEqual(reply, [{ role: 'assistant', content: 'Good morning' }])
  })

  it('gives text, calls and what was used as a chat message of OpenAI', async () => {
    const pieces = [
      new AIMessageChunk({ id: 'run-1', content: 'Let me ' }),
      new AIMessageChunk({ id: 'run-1', content: [{ type: 'text', text: 'look.' }] }),
      callPiece({ id: 'call_1', name: 'weather', args: '{"ci' }, { input: 3, output: 0 }),
      callPiece({ args: 'ty":"Bern"}' }, { input: 0, output: 4 }),
    ]
    const { chunks, reply, reader } = await readAnswer(pieces)
    assert.deepEqual(reply, [
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Bern"}' },
          },
        ],
      },
    ])
    assert.deepEqual(
      chunks.filter(({ type }) => type === 'tool-input-available'),
      [
        {
          type: 'tool-input-available',
          toolCallId: 'call_1',
          toolName: 'weather',
          input: { city: 'Bern' },
        },
      ],
    )
    const whole = pieces.reduce((before, piece) => before.concat(piece))
    assert.deepEqual(whole.tool_calls?.[0]?.args, { city: 'Bern' })
    assert.deepEqual(reader.usage(), { input_tokens: 3, output_tokens: 4, total_tokens: 7 })
  })

  it('has a message for each round of a graph, and the results of tools between them', async () => {
    const about = { langgraph_node: 'agent' }
    const { reply } = await readAnswer([
      [new HumanMessage('Weather?'), about],
      [
        new AIMessageChunk({
          id: 'run-1',
          content: '',
          tool_calls: [{ id: 'call_1', name: 'weather', args: { city: 'Bern' } }],
        }),
        about,
      ],
      [new ToolMessage({ tool_call_id: 'call_1', content: '12 degrees' }), about],
      [new AIMessageChunk({ id: 'run-2', content: 'Cold.' }), about],
    ])
    assert.deepEqual(
      reply.map(({ role, content }) => [role, content]),
      [
        ['assistant', ''],
        ['tool', '12 degrees'],
        ['assistant', 'Cold.'],
      ],
    )
  })

  it('shows reasoning, and leaves it out of the message', async () => {
    const { chunks, reply } = await readAnswer([
      new AIMessageChunk({ content: [{ type: 'thinking', thinking: 'Hmm.' }] }),
      new AIMessageChunk({ content: 'Yes.', response_metadata: { finish_reason: 'stop' } }),
    ])
    assert.deepEqual(
      chunks.map(({ type }) => type),
      [
        'reasoning-start',
        'reasoning-delta',
        'reasoning-end',
        'text-start',
        'text-delta',
        'text-end',
        'finish',
      ],
    )
    assert.deepEqual(reply, [{ role: 'assistant', content: 'Yes.' }])
  })
})
