import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import OpenAI from 'openai'
import { kept, readAnswer, textOf } from '../support/answers.ts'
import { sseOf, sseServer } from '../support/sse.ts'

const reasoning = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'The user wants weather.' }],
  encrypted_content: 'gAAA',
}
const citation = { type: 'url_citation', url: 'https://example.com', title: 'Example' }
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Let me look.', annotations: [citation], logprobs: [] }],
}
const call = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'weather',
  arguments: '{"city":"Bern"}',
  status: 'completed',
}
const search = { id: 'ws_1', type: 'web_search_call', status: 'completed', action: {} }
const usage = { input_tokens: 5, output_tokens: 7, total_tokens: 12 }

function response(status: string, output: unknown[]) {
  return { id: 'resp_1', object: 'response', created_at: 1, model: 'gpt-5', status, output }
}

const pieces = [
  { type: 'response.created', response: response('in_progress', []) },
  { type: 'response.in_progress', response: response('in_progress', []) },
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...reasoning, summary: [], encrypted_content: '' },
  },
  {
    type: 'response.reasoning_summary_part.added',
    item_id: 'rs_1',
    output_index: 0,
    summary_index: 0,
    part: { type: 'summary_text', text: '' },
  },
  ...['The user ', 'wants weather.'].map((delta) => ({
    type: 'response.reasoning_summary_text.delta',
    item_id: 'rs_1',
    output_index: 0,
    summary_index: 0,
    delta,
  })),
  { type: 'response.output_item.done', output_index: 0, item: reasoning },
  {
    type: 'response.output_item.added',
    output_index: 1,
    item: { ...message, status: 'in_progress', content: [] },
  },
  {
    type: 'response.content_part.added',
    item_id: 'msg_1',
    output_index: 1,
    content_index: 0,
    part: { type: 'output_text', text: '', annotations: [] },
  },
  ...['Let me ', 'look.'].map((delta) => ({
    type: 'response.output_text.delta',
    item_id: 'msg_1',
    output_index: 1,
    content_index: 0,
    delta,
    logprobs: [],
  })),
  {
    type: 'response.output_text.annotation.added',
    item_id: 'msg_1',
    output_index: 1,
    content_index: 0,
    annotation_index: 0,
    annotation: citation,
  },
  { type: 'response.output_item.done', output_index: 1, item: message },
  {
    type: 'response.output_item.added',
    output_index: 2,
    item: { ...call, arguments: '', status: 'in_progress' },
  },
  ...['{"city":', '"Bern"}'].map((delta) => ({
    type: 'response.function_call_arguments.delta',
    item_id: 'fc_1',
    output_index: 2,
    delta,
  })),
  {
    type: 'response.function_call_arguments.done',
    item_id: 'fc_1',
    output_index: 2,
    arguments: call.arguments,
  },
  { type: 'response.output_item.done', output_index: 2, item: call },
  {
    type: 'response.completed',
    response: { ...response('completed', [reasoning, message, call]), usage },
  },
].map((piece, sequence_number) => ({ ...piece, sequence_number }))

describe('a stream of OpenAI Responses', () => {
  it('gives the items that the client of OpenAI puts together', async () => {
    const server = await sseServer(sseOf(pieces, 'named'))
    const client = new OpenAI({ apiKey: 'key', baseURL: server.url, maxRetries: 0 })
    const stream = client.responses.stream({ model: 'gpt-5', input: 'Weather?' })
    const { reply, reader } = await readAnswer(stream)
    const { output } = await stream.finalResponse()
    await server.close()
    // The client adds what it has parsed of texts and arguments.
    const plain = JSON.stringify(output, (key, value) =>
      key.startsWith('parsed') ? undefined : value,
    )
    assert.deepEqual(reply, JSON.parse(plain))
    assert.equal(reader.form(), 'openai-responses')
    assert.deepEqual(reader.usage(), usage)
  })

  it('gives a client reasoning, text, sources and calls', async () => {
    const { chunks } = await readAnswer(pieces)
    assert.deepEqual(chunks, [
      { type: 'reasoning-start', id: 'reasoning-1' },
      { type: 'reasoning-delta', id: 'reasoning-1', delta: 'The user ' },
      { type: 'reasoning-delta', id: 'reasoning-1', delta: 'wants weather.' },
      { type: 'reasoning-end', id: 'reasoning-1' },
      { type: 'text-start', id: 'text-2' },
      { type: 'text-delta', id: 'text-2', delta: 'Let me ' },
      { type: 'text-delta', id: 'text-2', delta: 'look.' },
      { type: 'source-url', sourceId: '1:0', url: 'https://example.com', title: 'Example' },
      { type: 'text-end', id: 'text-2' },
      { type: 'tool-input-start', toolCallId: 'call_1', toolName: 'weather' },
      { type: 'tool-input-delta', toolCallId: 'call_1', inputTextDelta: '{"city":' },
      { type: 'tool-input-delta', toolCallId: 'call_1', inputTextDelta: '"Bern"}' },
      {
        type: 'tool-input-available',
        toolCallId: 'call_1',
        toolName: 'weather',
        input: { city: 'Bern' },
      },
      { type: 'finish', finishReason: 'tool-calls' },
    ])
  })

  it('ends anywhere with items that can be handed back', async () => {
    for (let end = 1; end <= pieces.length; end += 1) {
      const { reply } = await readAnswer(pieces.slice(0, end))
      assert.notEqual(reply.at(-1)?.type, 'reasoning', `after ${end} pieces`)
      for (const item of reply)
        if (item.type === 'function_call') assert.equal(item['arguments'], call.arguments)
    }
  })

  it('keeps of a message that broke off what it had said', async () => {
    const { reply } = await readAnswer(pieces.slice(0, 10))
    assert.deepEqual(reply, [
      reasoning,
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'incomplete',
        content: [{ type: 'output_text', text: 'Let me ', annotations: [] }],
      },
    ])
  })

  it('shows that a tool of the provider ran and keeps its item', async () => {
    const { chunks, reply } = await readAnswer([
      { type: 'response.output_item.added', output_index: 0, item: search },
      { type: 'response.output_item.done', output_index: 0, item: search },
    ])
    assert.deepEqual(reply, [search])
    assert.deepEqual(
      chunks.map(({ type }) => type),
      ['tool-input-available', 'tool-output-available'],
    )
  })

  it('may be a response that was not streamed', async () => {
    const { chunks, reply } = await readAnswer([response('completed', [message, call])])
    assert.deepEqual(reply, [message, call])
    assert.equal(textOf(chunks), 'Let me look.')
  })

  it('keeps what the application answered to a call between two responses', async () => {
    const output = { type: 'function_call_output', call_id: 'call_1', output: '12 degrees' }
    const { chunks, reply } = await readAnswer([
      response('completed', [call]),
      output,
      response('completed', [message]),
    ])
    assert.deepEqual(reply, [call, output, message])
    assert.deepEqual(kept(chunks.at(3)), { type: 'start-step' })
  })

  it('reads the events of the model out of those of the Agents SDK', async () => {
    const { reply } = await readAnswer(
      pieces.map((event) => ({ type: 'raw_model_stream_event', data: { type: 'model', event } })),
    )
    assert.deepEqual(reply, [reasoning, message, call])
  })

  it('has failed where the response has', async () => {
    const error = { code: 'server_error', message: 'key sk-123 is out of order' }
    const { chunks, reader } = await readAnswer([
      ...pieces.slice(0, 10),
      { type: 'response.failed', response: { ...response('failed', []), error } },
    ])
    assert.deepEqual(reader.failure(), error)
    assert.deepEqual(chunks.at(-2), { type: 'error', errorText: 'An error occurred.' })
  })
})
