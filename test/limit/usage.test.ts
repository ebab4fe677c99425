import assert from 'node:assert/strict'
import type {
  Message,
  RawMessageDeltaEvent,
  RawMessageStartEvent,
  Usage,
} from '@anthropic-ai/sdk/resources/messages'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type OpenAI from 'openai'
import { mergeTokens, type Tokens, tokensOf, totalOf } from '../../lib/limit/usage.ts'
import { scriptedModel } from '../support/scripted-model.ts'

const chat: OpenAI.CompletionUsage = { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 }
const chunk: OpenAI.ChatCompletionChunk = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'gpt',
  choices: [],
  usage: chat,
}
const completion: OpenAI.ChatCompletion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'gpt',
  choices: [],
  usage: chat,
}
const embedding: OpenAI.CreateEmbeddingResponse = {
  object: 'list',
  model: 'embedding',
  data: [],
  usage: { prompt_tokens: 8, total_tokens: 8 },
}

const used: OpenAI.Responses.ResponseUsage = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 20, cache_write_tokens: 0 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 35,
}
const response = { id: 'resp_1', object: 'response', usage: used } as OpenAI.Responses.Response
const completed: OpenAI.Responses.ResponseCompletedEvent = {
  type: 'response.completed',
  sequence_number: 9,
  response,
}
const incomplete: OpenAI.Responses.ResponseIncompleteEvent = {
  ...completed,
  type: 'response.incomplete',
}

const claude: Usage = {
  cache_creation: null,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 1000,
  inference_geo: null,
  input_tokens: 10,
  output_tokens: 1,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
}
const message = { type: 'message', role: 'assistant', usage: claude } as Message
const start: RawMessageStartEvent = { type: 'message_start', message }
const delta = {
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null },
  usage: {
    cache_creation_input_tokens: null,
    cache_read_input_tokens: null,
    input_tokens: null,
    output_tokens: 40,
    output_tokens_details: null,
    server_tool_use: null,
  },
} as RawMessageDeltaEvent

describe('tokens used', () => {
  const ofChat = { input: 9, output: 12, total: 21 }
  const ofResponse = { input: 30, output: 5, total: 35 }
  const ofSdk = { input: 3, output: 10, total: 13 }
  const cases: readonly [string, unknown, Tokens][] = [
    ['usage of a chat completion', chat, ofChat],
    ['a chat completion', completion, ofChat],
    ["a chat completion's last chunk", chunk, ofChat],
    ['embeddings', embedding, { input: 8, total: 8 }],
    ['usage of a response', used, ofResponse],
    [
      'the chunk that ends a choice, as Mistral and DeepSeek count',
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      ofChat,
    ],
    ['a response', response, ofResponse],
    ["a response's completion", completed, ofResponse],
    ["a response's early end", incomplete, ofResponse],
    ["Anthropic's usage, with what its cache took and gave", claude, { input: 1110, output: 1 }],
    ["Anthropic's message", message, { input: 1110, output: 1 }],
    ["the start of Anthropic's stream, without output that has only begun", start, { input: 1110 }],
    ["the end of Anthropic's stream", delta, { output: 40 }],
    ["the AI SDK's usage", { inputTokens: 3, outputTokens: 10, totalTokens: 13 }, ofSdk],
    ['usage that is only partly known', { inputTokens: 3, outputTokens: undefined }, { input: 3 }],
    ['nothing used at all', { input_tokens: 0, output_tokens: 0 }, { input: 0, output: 0 }],
  ]
  for (const [fact, given, tokens] of cases)
    it(`are read from ${fact}`, () => assert.deepEqual(tokensOf(given), tokens))

  it('are not those of an answer that goes on, as some servers count on each chunk', () => {
    const delta = { content: 'a' }
    for (const reason of [null, undefined]) {
      const choices = [{ index: 0, delta, finish_reason: reason }]
      assert.equal(tokensOf({ ...chunk, choices }), undefined)
    }
  })

  it('are not stated by other chunks of a stream', () => {
    const others: unknown[] = [
      {
        ...chunk,
        choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }],
        usage: null,
      },
      { type: 'response.created', response: { ...response, usage: null } },
      { type: 'response.output_text.delta', delta: 'a' },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } },
      { type: 'message_stop' },
      { type: 'text-delta', id: 't', text: 'a' },
    ]
    for (const other of others) assert.equal(tokensOf(other), undefined)
  })

  it("are read from the AI SDK's parts as they come, and from what it generated", async () => {
    const { model } = scriptedModel([{ call: 'weather', id: 'call_1', input: {} }], ['It is cold.'])
    const weather = tool({
      inputSchema: jsonSchema({ type: 'object' }),
      execute: async () => 'cold',
    })
    const stream = streamText({ model, prompt: 'a', tools: { weather }, stopWhen: stepCountIs(2) })
    const stated: (Tokens | undefined)[] = []
    for await (const part of stream.fullStream) stated.push(tokensOf(part))
    const known = stated.filter((tokens) => tokens !== undefined)
    const whole = { input: 6, output: 20, total: 26 }
    assert.deepEqual(known, [ofSdk, ofSdk, whole])
    assert.deepEqual(known.reduce(mergeTokens, {}), whole)
    assert.deepEqual(tokensOf(await stream.totalUsage), whole)
  })

  it('of all steps count, not of the last one, where the AI SDK tells both', async () => {
    const content = [
      [{ type: 'tool-call', toolCallId: 'c', toolName: 'weather', input: '{}' } as const],
      [{ type: 'text', text: 'It is cold.' } as const],
    ]
    const model = new MockLanguageModelV3({
      doGenerate: async () => {
        const next = content.shift() ?? []
        const unified = content.length > 0 ? 'tool-calls' : 'stop'
        return {
          content: next,
          finishReason: { unified, raw: undefined },
          usage: {
            inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
            outputTokens: { total: 10, text: 10, reasoning: undefined },
          },
          warnings: [],
        }
      },
    })
    const weather = tool({
      inputSchema: jsonSchema({ type: 'object' }),
      execute: async () => 'cold',
    })
    const generated = await generateText({
      model,
      prompt: 'a',
      tools: { weather },
      stopWhen: stepCountIs(2),
    })
    assert.deepEqual(tokensOf(generated), { input: 6, output: 20, total: 26 })
  })

  it('are not asked of a stream that is still to be read', async () => {
    const stream = streamText({ model: scriptedModel(['a']).model, prompt: 'a' })
    const asked: unknown[] = []
    const watched = new Proxy(stream, {
      get(target, name) {
        asked.push(name)
        return Reflect.get(target, name)
      },
    })
    assert.equal(tokensOf(watched), undefined)
    assert.deepEqual(asked, ['consumeStream'])
    await stream.consumeStream()
  })

  it('that are no whole numbers of at least 0 are not stated', () => {
    for (const count of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', 5n, null, {}, 1e15]) {
      assert.equal(tokensOf({ prompt_tokens: count, completion_tokens: count }), undefined)
      assert.deepEqual(tokensOf({ usage: { input_tokens: count, output_tokens: 2 } }), {
        output: 2,
      })
    }
    const most = 999_999_999_999_999
    const over = { input_tokens: most, cache_read_input_tokens: 1, output_tokens: 2 }
    assert.deepEqual(tokensOf(over), { output: 2 })
  })

  it('are read from the first place that states any', () => {
    assert.deepEqual(tokensOf({ totalUsage: null, usage: {}, response: { usage: chat } }), ofChat)
    assert.deepEqual(tokensOf(thrower('totalUsage', { usage: chat })), ofChat)
  })

  it('are nothing where there are none, and nothing throws', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const given: unknown[] = [
      undefined,
      null,
      5,
      'prompt_tokens',
      () => chat,
      Symbol('a'),
      [],
      [chat],
      Promise.resolve(chat),
      proxy,
      { usage: proxy },
      thrower('usage', {}),
    ]
    for (const each of given) assert.equal(tokensOf(each), undefined)
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (anything) => {
        assert.equal(tokensOf(anything), undefined)
      }),
    )
  })

  it('are whole numbers, whatever stands where usage is looked for', () => {
    const fields = ['prompt_tokens', 'input_tokens', 'inputTokens', 'cache_read_input_tokens']
    const more = ['completion_tokens', 'output_tokens', 'outputTokens', 'total_tokens']
    const usage = fc.dictionary(
      fc.constantFrom(...fields, ...more),
      fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger(), fc.anything()),
    )
    const given = fc.oneof(
      usage,
      fc.record({ usage }),
      fc.record({ message: fc.record({ usage }) }),
      fc.record({ response: fc.record({ usage }) }),
    )
    fc.assert(
      fc.property(given, given, (one, other) => {
        const tokens = mergeTokens(tokensOf(one), tokensOf(other))
        for (const count of [...Object.values(tokens), totalOf(tokens) ?? 0])
          assert.ok(Number.isSafeInteger(count) && count >= 0 && count < 1e15, String(count))
      }),
    )
  })
})

describe('tokens of a stream', () => {
  it('are what was stated last, for each count', () => {
    assert.deepEqual(mergeTokens(tokensOf(start), tokensOf(delta)), { input: 1110, output: 40 })
    assert.deepEqual(mergeTokens({ input: 1, output: 2 }, undefined), { input: 1, output: 2 })
    assert.deepEqual(mergeTokens(undefined, { output: 2 }), { output: 2 })
    assert.deepEqual(mergeTokens(undefined, undefined), {})
  })

  it('have no total of an earlier chunk beside later parts', () => {
    const before = { input: 1, output: 2, total: 3 }
    assert.deepEqual(mergeTokens(before, { output: 9 }), { input: 1, output: 9 })
    assert.deepEqual(mergeTokens(before, undefined), before)
    assert.deepEqual(mergeTokens(before, { total: 4 }), { ...before, total: 4 })
  })

  it('come to the total as stated, else to input and output', () => {
    assert.equal(totalOf({ input: 1, output: 2, total: 7 }), 7)
    assert.equal(totalOf({ input: 1, output: 2 }), 3)
    assert.equal(totalOf({ total: 0 }), 0)
  })

  it('come to nothing known while half of them is missing', () => {
    for (const tokens of [{}, { input: 1 }, { output: 2 }]) assert.equal(totalOf(tokens), undefined)
  })
})

function thrower(name: string, rest: object): object {
  const thrown = () => {
    throw new Error('not now')
  }
  return Object.defineProperty({ ...rest }, name, { get: thrown })
}
