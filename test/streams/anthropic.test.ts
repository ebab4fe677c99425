import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import { describe, it } from 'mocha'
import { kept, readAnswer, textOf } from '../support/answers.ts'
import { sseOf, sseServer } from '../support/sse.ts'

const start = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  },
}
const end = [
  {
    type: 'message_delta',
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { output_tokens: 40 },
  },
  { type: 'message_stop' },
]
const citation = {
  type: 'web_search_result_location',
  url: 'https://example.com',
  title: 'Example',
  cited_text: 'cold',
  encrypted_index: 'x',
}

function block(index: number, content_block: object, ...deltas: object[]) {
  return [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

const pieces = [
  start,
  { type: 'ping' },
  ...block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'The user ' },
    { type: 'thinking_delta', thinking: 'wants weather.' },
    { type: 'signature_delta', signature: 'EqQB' },
  ),
  ...block(1, { type: 'redacted_thinking', data: 'Emw' }),
  ...block(
    2,
    { type: 'text', text: '', citations: [] },
    { type: 'text_delta', text: 'Let me ' },
    { type: 'text_delta', text: 'look.' },
    { type: 'citations_delta', citation },
  ),
  ...block(
    3,
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
    { type: 'input_json_delta', partial_json: '{"query":"Bern"}' },
  ),
  ...block(4, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
  ...block(
    5,
    { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
    { type: 'input_json_delta', partial_json: '' },
    { type: 'input_json_delta', partial_json: '{"city":' },
    { type: 'input_json_delta', partial_json: '"Bern"}' },
  ),
  ...block(
    6,
    { type: 'tool_use', id: 'toolu_2', name: 'time', input: {} },
    { type: 'input_json_delta', partial_json: '' },
  ),
  ...end,
]

async function withClient<T>(ask: (client: Anthropic) => Promise<T>): Promise<T> {
  const server = await sseServer(sseOf(pieces, 'named'))
  try {
    return await ask(new Anthropic({ apiKey: 'key', baseURL: server.url, maxRetries: 0 }))
  } finally {
    await server.close()
  }
}

const question = {
  model: 'claude-opus-5',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Weather?' }],
}

function assertWhole({ type, text, signature, name, input }: Record<string, unknown>): void {
  if (type === 'text') assert.notEqual(text, '')
  if (type === 'thinking') assert.equal(signature, 'EqQB')
  if (name === 'weather') assert.deepEqual(input, { city: 'Bern' })
}

describe('a stream of Anthropic', () => {
  it('gives the message that the client of Anthropic puts together', async () => {
    await withClient(async (client) => {
      const stream = client.messages.stream(question)
      const { reply, reader } = await readAnswer(stream)
      const { role, content, usage } = await stream.finalMessage()
      assert.deepEqual(reply, [kept({ role, content })])
      assert.deepEqual(reader.usage(), kept(usage))
      assert.equal(reader.form(), 'anthropic')
    })
  })

  it('gives a client reasoning, text, sources and calls', async () => {
    const { chunks } = await withClient(async (client) =>
      readAnswer(await client.messages.create({ ...question, stream: true })),
    )
    assert.deepEqual(chunks, [
      { type: 'reasoning-start', id: 'reasoning-1' },
      { type: 'reasoning-delta', id: 'reasoning-1', delta: 'The user ' },
      { type: 'reasoning-delta', id: 'reasoning-1', delta: 'wants weather.' },
      { type: 'reasoning-end', id: 'reasoning-1' },
      { type: 'text-start', id: 'text-2' },
      { type: 'text-delta', id: 'text-2', delta: 'Let me ' },
      { type: 'text-delta', id: 'text-2', delta: 'look.' },
      { type: 'source-url', sourceId: '1:2:1', url: 'https://example.com', title: 'Example' },
      { type: 'text-end', id: 'text-2' },
      { type: 'tool-input-start', toolCallId: 'toolu_1', toolName: 'weather' },
      { type: 'tool-input-delta', toolCallId: 'toolu_1', inputTextDelta: '{"city":' },
      { type: 'tool-input-delta', toolCallId: 'toolu_1', inputTextDelta: '"Bern"}' },
      {
        type: 'tool-input-available',
        toolCallId: 'toolu_1',
        toolName: 'weather',
        input: { city: 'Bern' },
      },
      { type: 'tool-input-start', toolCallId: 'toolu_2', toolName: 'time' },
      { type: 'tool-input-available', toolCallId: 'toolu_2', toolName: 'time', input: {} },
      { type: 'finish', finishReason: 'tool-calls' },
    ])
  })

  it('ends anywhere without thinking that is not signed, half a call or an empty text', async () => {
    for (let cut = 1; cut <= pieces.length; cut += 1) {
      const { reply } = await readAnswer(pieces.slice(0, cut))
      for (const { content } of reply) (content as Record<string, unknown>[]).forEach(assertWhole)
    }
  })

  it('has a call that the limit of tokens has cut without input, and as an error for the client', async () => {
    const { chunks, reply } = await readAnswer([
      start,
      ...block(
        0,
        { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
        { type: 'input_json_delta', partial_json: '{"city":"B' },
      ),
      { ...end[0], delta: { stop_reason: 'max_tokens' } },
      end[1],
    ])
    assert.deepEqual(reply, [
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }],
      },
    ])
    assert.ok(chunks.some(({ type }) => type === 'tool-input-error'))
  })

  it('keeps of a text that broke off what it had said', async () => {
    const { reply } = await readAnswer([start, ...pieces.slice(9, 11)])
    assert.deepEqual(reply, [
      { role: 'assistant', content: [{ type: 'text', text: 'Let me ', citations: [] }] },
    ])
  })

  it('is one message for each round of an agent, with the results of tools between them', async () => {
    const result = {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '12 degrees' }],
    }
    const { chunks, reply, reader } = await readAnswer([
      ...pieces,
      result,
      start,
      ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'It is cold.' }),
      ...end,
    ])
    assert.deepEqual(
      reply.map(({ role }) => role),
      ['assistant', 'user', 'assistant'],
    )
    assert.deepEqual(reply[1], result)
    assert.deepEqual(reader.usage(), { input_tokens: 20, output_tokens: 80 })
    assert.deepEqual(
      chunks.filter(({ type }) => type === 'tool-output-available' || type === 'start-step'),
      [
        { type: 'tool-output-available', toolCallId: 'toolu_1', output: '12 degrees' },
        { type: 'start-step' },
      ],
    )
  })

  it('may be a message that was not streamed', async () => {
    const content = [
      { type: 'text', text: 'Let me look.', citations: null },
      { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Bern' } },
    ]
    const { chunks, reply } = await readAnswer([{ ...start.message, content }])
    assert.deepEqual(reply, [{ role: 'assistant', content }])
    assert.equal(textOf(chunks), 'Let me look.')
    assert.ok(chunks.some(({ type }) => type === 'tool-input-available'))
  })

  it('has failed where an error comes, and does not tell the client which', async () => {
    const error = { type: 'overloaded_error', message: 'Organisation o-123 is out of luck' }
    const { chunks, reply, reader } = await readAnswer([
      start,
      ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Well' }).slice(0, 2),
      { type: 'error', error },
    ])
    assert.deepEqual(reader.failure(), error)
    assert.deepEqual(chunks.at(-2), { type: 'error', errorText: 'An error occurred.' })
    assert.deepEqual(reply, [{ role: 'assistant', content: [{ type: 'text', text: 'Well' }] }])
  })
})
