import assert from 'node:assert/strict'
import {
  DefaultChatTransport,
  jsonSchema,
  readUIMessageStream,
  simulateReadableStream,
  stepCountIs,
  streamText,
  tool,
  type UIMessage,
  type UIMessageChunk,
  validateUIMessages,
} from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import { describe, it } from 'mocha'
import type { Chunk } from '../../lib/history/stream/chunk.ts'
import { fold } from '../../lib/history/stream/fold.ts'
import { piecesOf } from '../../lib/history/stream/source.ts'
import { streamWriter } from '../../lib/history/stream/writer.ts'
import { kept, readAnswer, textOf } from '../support/answers.ts'
import { sseServer } from '../support/sse.ts'

type Part =
  Awaited<ReturnType<MockLanguageModelV3['doStream']>>['stream'] extends ReadableStream<infer Piece>
    ? Piece
    : never

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 10, text: 10, reasoning: undefined },
}

function finish(unified: 'stop' | 'tool-calls'): Part {
  return { type: 'finish', finishReason: { unified, raw: undefined }, usage }
}

const first: Part[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'reasoning-start', id: 'r' },
  { type: 'reasoning-delta', id: 'r', delta: 'The user wants weather.' },
  { type: 'reasoning-end', id: 'r', providerMetadata: { anthropic: { signature: 'EqQB' } } },
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'Let me ' },
  { type: 'text-delta', id: 't', delta: 'look.' },
  { type: 'text-end', id: 't' },
  { type: 'tool-input-start', id: 'call_1', toolName: 'weather' },
  { type: 'tool-input-delta', id: 'call_1', delta: '{"city":' },
  { type: 'tool-input-delta', id: 'call_1', delta: '"Bern"}' },
  { type: 'tool-input-end', id: 'call_1' },
  { type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: '{"city":"Bern"}' },
  { type: 'tool-call', toolCallId: 'call_2', toolName: 'broken', input: '{}' },
  { type: 'tool-call', toolCallId: 'call_3', toolName: 'unknown', input: '{}' },
  finish('tool-calls'),
]
const second: Part[] = [
  { type: 'source', sourceType: 'url', id: 's', url: 'https://example.com', title: 'Example' },
  { type: 'file', mediaType: 'text/plain', data: 'SGVsbG8=' },
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'It is cold.' },
  { type: 'text-end', id: 't' },
  finish('stop'),
]

function answer() {
  const streams = [first, second]
  const model = new MockLanguageModelV3({
    doStream: async () => ({ stream: simulateReadableStream({ chunks: streams.shift() ?? [] }) }),
  })
  return streamText({
    model,
    prompt: 'Weather?',
    stopWhen: stepCountIs(3),
    onError: () => {},
    tools: {
      weather: tool<object, object>({ inputSchema, execute: async () => ({ degrees: 12 }) }),
      broken: tool<object, object>({
        inputSchema,
        execute: async () => {
          throw new Error('secret')
        },
      }),
    },
  })
}

const inputSchema = jsonSchema<object>({ type: 'object' })

const ui = { sendSources: true, messageMetadata: () => ({ model: { name: 'mock' } }) }

/** The message the AI SDK itself makes of chunks. */
async function messageOf(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage> {
  let last: UIMessage | undefined
  for await (const message of readUIMessageStream({ stream, terminateOnError: true }))
    last = message
  assert.ok(last)
  return kept(last)
}

describe('a stream of the AI SDK', () => {
  it('gives the message the AI SDK makes of the same chunks', async () => {
    const { reply, reader } = await readAnswer(answer().toUIMessageStream(ui))
    const { id: _, ...message } = await messageOf(answer().toUIMessageStream(ui))
    assert.deepEqual(kept(reply), [message])
    assert.equal(reader.form(), 'ai-sdk')
    await validateUIMessages({ messages: [{ id: 'a', ...reply[0] }] })
  })

  it('gives the same chunks from the full stream as the AI SDK does', async () => {
    const { chunks, reader } = await readAnswer(answer().fullStream)
    const own: UIMessageChunk[] = []
    for await (const chunk of answer().toUIMessageStream({ sendSources: true })) own.push(chunk)
    assert.deepEqual(withoutIds(chunks), withoutIds(own))
    assert.equal((reader.usage() as { outputTokens: number }).outputTokens, 20)
  })

  it('may be the result of streamText itself', async () => {
    const { chunks } = await readAnswer(piecesOf(answer()))
    assert.equal(textOf(chunks), 'Let me look.It is cold.')
  })

  it('may be a stream of text', async () => {
    const { reply } = await readAnswer(answer().textStream)
    assert.deepEqual(reply, [{ role: 'assistant', content: 'Let me look.It is cold.' }])
  })

  it('arrives in a browser as the message that is kept', async () => {
    const { chunks, reply } = await readAnswer(answer().toUIMessageStream(ui))
    const message = await arrived(chunks)
    assert.deepEqual(message, kept({ id: 'answer-1', ...reply[0] }))
  })

  it('keeps what does not fit into JSON as far as it can', async () => {
    const { chunks } = await readAnswer([
      { type: 'data-count', data: { at: new Date(0), none: undefined } },
      { type: 'data-big', data: 12n },
    ])
    assert.deepEqual(chunks, [
      { type: 'data-count', data: { at: '1970-01-01T00:00:00.000Z' } },
      { type: 'data-big', data: null },
    ])
  })

  it('leaves to the client a call that the client is to answer', async () => {
    const { reply } = await readAnswer([
      { type: 'tool-input-available', toolCallId: 'c', toolName: 'ask', input: { q: 1 } },
      { type: 'finish' },
    ])
    assert.deepEqual(reply, [
      {
        role: 'assistant',
        parts: [{ type: 'tool-ask', toolCallId: 'c', state: 'input-available', input: { q: 1 } }],
      },
    ])
  })

  it('tells the error to who asks the reader, and the client that there was one', async () => {
    const error = new Error('secret')
    const { chunks, reader } = await readAnswer([
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', text: 'Well' },
      { type: 'error', error },
    ])
    assert.equal(reader.failure(), error)
    assert.doesNotMatch(JSON.stringify(chunks), /secret/)
  })
})

describe('what is written for useChat', () => {
  it('has the message id first, and ends as the answer did', async () => {
    const endings = [
      ['complete', { type: 'finish' }],
      ['aborted', { type: 'abort' }],
      ['interrupted', { type: 'error', errorText: 'The answer was interrupted.' }],
      ['failed', { type: 'error', errorText: 'An error occurred.' }],
    ] as const
    for (const [status, last] of endings) {
      const received = await sent([{ type: 'start-step' }], status)
      assert.deepEqual(received, [
        { type: 'start', messageId: 'answer-1' },
        { type: 'start-step' },
        last,
      ])
    }
  })

  it('says once why the model stopped', async () => {
    const finish: Chunk = { type: 'finish', finishReason: 'length' }
    assert.deepEqual((await sent([finish], 'complete')).slice(1), [finish])
  })

  it('keeps the id of the message where the model names another', async () => {
    const message = await arrived([
      { type: 'start', messageId: 'other', messageMetadata: { n: 1 } },
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'Hi' },
      { type: 'text-end', id: 't' },
    ])
    assert.deepEqual(message, {
      id: 'answer-1',
      role: 'assistant',
      metadata: { n: 1 },
      parts: [{ type: 'text', text: 'Hi', state: 'done' }],
    })
  })

  it('is read the same from the chunks that were kept', async () => {
    const { chunks, reply } = await readAnswer(answer().fullStream)
    assert.deepEqual(fold(chunks), reply[0])
  })
})

/** The AI SDK names a text anew where a later step uses the same id. */
function withoutIds(chunks: readonly object[]): unknown {
  return chunks.map((chunk) => kept({ ...chunk, id: undefined }))
}

async function arrived(chunks: readonly Chunk[]): Promise<UIMessage> {
  const pieces = await sent(chunks, 'complete')
  return messageOf(simulateReadableStream({ chunks: pieces }))
}

/** What the transport of `useChat` reads out of what is written. */
async function sent(
  chunks: readonly Chunk[],
  status: 'complete' | 'aborted' | 'interrupted' | 'failed',
): Promise<UIMessageChunk[]> {
  const writer = streamWriter('ui')
  const body = [
    writer.head({ messageId: 'answer-1', turn: 'question-1' }),
    ...chunks.map((chunk, at) => `${writer.comment()}${writer.piece(chunk, `turn:${at + 1}`)}`),
    writer.end(status, 'answer-1'),
  ].join('')
  const server = await sseServer(body)
  const transport = new DefaultChatTransport({ api: server.url })
  const stream = await transport.sendMessages({
    trigger: 'submit-message',
    chatId: 'chat',
    messageId: undefined,
    messages: [],
    abortSignal: undefined,
  })
  const received: UIMessageChunk[] = []
  for await (const chunk of stream) received.push(chunk)
  await server.close()
  return received
}
