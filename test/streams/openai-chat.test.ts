import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import OpenAI from 'openai'
import { readAnswer, textOf } from '../support/answers.ts'
import { sseOf, sseServer } from '../support/sse.ts'

const tools = [
  { type: 'function' as const, function: { name: 'weather', parameters: {} } },
  { type: 'function' as const, function: { name: 'time', parameters: {} } },
]

function chunk(delta: object, finish_reason: string | null = null, more: object = {}) {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-5',
    choices: [{ index: 0, delta, finish_reason, logprobs: null }],
    ...more,
  }
}

const usage = { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 }

const calling = [
  chunk({ role: 'assistant', content: '', refusal: null }),
  chunk({ content: 'Let me ' }),
  chunk({ content: 'look.' }),
  chunk({
    tool_calls: [
      { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } },
    ],
  }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '"Bern"}' } }] }),
  chunk({
    tool_calls: [
      { index: 1, id: 'call_2', type: 'function', function: { name: 'time', arguments: '{}' } },
    ],
  }),
  chunk({}, 'tool_calls'),
  { ...chunk({}), choices: [], usage },
]

async function answered<T>(pieces: unknown[], ask: (client: OpenAI) => Promise<T>): Promise<T> {
  const server = await sseServer(sseOf(pieces))
  try {
    return await ask(new OpenAI({ apiKey: 'key', baseURL: server.url, maxRetries: 0 }))
  } finally {
    await server.close()
  }
}

const question = {
  model: 'gpt-5',
  messages: [{ role: 'user' as const, content: 'Weather?' }],
  tools,
}

describe('a stream of OpenAI chat completions', () => {
  it('gives the message that the client of OpenAI puts together', async () => {
    await answered(calling, async (client) => {
      const stream = client.chat.completions.stream(question)
      const { reply, reader } = await readAnswer(stream)
      const { choices } = await stream.finalChatCompletion()
      const { parsed: _, tool_calls, ...message } = { parsed: null, ...choices[0]?.message }
      const calls = tool_calls?.map(({ id, type, function: { name, arguments: args } }) => ({
        id,
        type,
        function: { name, arguments: args },
      }))
      assert.deepEqual(reply, [{ ...message, tool_calls: calls }])
      assert.equal(reader.form(), 'openai')
      assert.deepEqual(reader.usage(), usage)
    })
  })

  it('gives a client text and calls piece by piece', async () => {
    await answered(calling, async (client) => {
      const { chunks } = await readAnswer(
        await client.chat.completions.create({ ...question, stream: true }),
      )
      assert.deepEqual(chunks, [
        { type: 'text-start', id: 'text-1' },
        { type: 'text-delta', id: 'text-1', delta: 'Let me ' },
        { type: 'text-delta', id: 'text-1', delta: 'look.' },
        { type: 'tool-input-start', toolCallId: 'call_1', toolName: 'weather' },
        { type: 'tool-input-delta', toolCallId: 'call_1', inputTextDelta: '{"city":' },
        { type: 'tool-input-delta', toolCallId: 'call_1', inputTextDelta: '"Bern"}' },
        { type: 'tool-input-start', toolCallId: 'call_2', toolName: 'time' },
        { type: 'tool-input-delta', toolCallId: 'call_2', inputTextDelta: '{}' },
        { type: 'text-end', id: 'text-1' },
        {
          type: 'tool-input-available',
          toolCallId: 'call_1',
          toolName: 'weather',
          input: { city: 'Bern' },
        },
        { type: 'tool-input-available', toolCallId: 'call_2', toolName: 'time', input: {} },
        { type: 'finish', finishReason: 'tool-calls' },
      ])
    })
  })

  it('leaves out a call that broke off, and keeps the one before it', async () => {
    const { reply } = await readAnswer([
      ...calling.slice(0, 6),
      chunk({
        tool_calls: [
          {
            index: 1,
            id: 'call_2',
            type: 'function',
            function: { name: 'time', arguments: '{"z' },
          },
        ],
      }),
    ])
    assert.deepEqual(
      reply.map(({ tool_calls }) => (tool_calls as { id: string }[]).map(({ id }) => id)),
      [['call_1']],
    )
  })

  it('leaves out a call that the limit of tokens has cut', async () => {
    const { reply } = await readAnswer([...calling.slice(0, 5), chunk({}, 'length')])
    assert.deepEqual(reply, [{ role: 'assistant', content: 'Let me look.', refusal: null }])
  })

  it('has a refusal as text and keeps it a refusal', async () => {
    const { chunks, reply } = await readAnswer([
      chunk({ role: 'assistant', refusal: 'I ' }),
      chunk({ refusal: 'will not.' }),
      chunk({}, 'stop'),
    ])
    assert.equal(textOf(chunks), 'I will not.')
    assert.deepEqual(reply, [{ role: 'assistant', content: null, refusal: 'I will not.' }])
  })

  it('keeps the reasoning of servers that speak like OpenAI under its own name', async () => {
    const { chunks, reply } = await readAnswer([
      chunk({ role: 'assistant', content: null, reasoning_content: 'Hm' }),
      chunk({ reasoning_content: 'm.' }),
      chunk({ content: 'Yes.' }),
      chunk({}, 'stop'),
    ])
    assert.deepEqual(
      chunks.map(({ type }) => type),
      [
        'reasoning-start',
        'reasoning-delta',
        'reasoning-delta',
        'reasoning-end',
        'text-start',
        'text-delta',
        'text-end',
        'finish',
      ],
    )
    assert.deepEqual(reply, [{ role: 'assistant', content: 'Yes.', reasoning_content: 'Hmm.' }])
  })

  it('tells calls apart that a server gives the same index', async () => {
    const call = (id: string) => ({
      index: 0,
      id,
      type: 'function',
      function: { name: 'weather', arguments: `{"id":"${id}"}` },
    })
    const { reply } = await readAnswer([
      chunk({ tool_calls: [call('a')] }),
      chunk({ tool_calls: [call('b')] }),
      chunk({}, 'tool_calls'),
    ])
    const { index: _, ...a } = call('a')
    const { index: __, ...b } = call('b')
    assert.deepEqual(reply, [{ role: 'assistant', content: null, tool_calls: [a, b] }])
  })

  it('is one message for each round of an agent, with the results of tools between them', async () => {
    const result = { role: 'tool', tool_call_id: 'call_1', content: '12 degrees' }
    const { chunks, reply } = await readAnswer([
      ...calling.slice(0, 6),
      chunk({}, 'tool_calls', { usage }),
      result,
      chunk({ content: 'It is cold.' }, null, { id: 'chatcmpl-2' }),
      chunk({}, 'stop', { id: 'chatcmpl-2', usage }),
    ])
    assert.deepEqual(
      reply.map(({ role }) => role),
      ['assistant', 'tool', 'assistant'],
    )
    assert.deepEqual(reply[1], result)
    assert.ok(
      chunks.some(
        (piece) => piece.type === 'tool-output-available' && piece.output === '12 degrees',
      ),
    )
  })

  it('adds up what the rounds of an agent have used', async () => {
    const { reader } = await readAnswer([
      chunk({ content: 'a' }, 'stop', { usage }),
      chunk({ content: 'b' }, 'stop', { id: 'chatcmpl-2', usage }),
    ])
    assert.deepEqual(reader.usage(), {
      prompt_tokens: 18,
      completion_tokens: 24,
      total_tokens: 42,
    })
  })

  it('may be a completion that was not streamed', async () => {
    const message = { role: 'assistant', content: 'Hello', refusal: null, annotations: [] }
    const { chunks, reply } = await readAnswer([
      {
        id: 'c',
        object: 'chat.completion',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
      },
    ])
    assert.deepEqual(reply, [message])
    assert.equal(textOf(chunks), 'Hello')
  })
})
