import assert from 'node:assert/strict'
import { jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { describe, it } from 'mocha'
import { tokenCount } from '../../lib/limit/token-count.ts'
import type { Tokens } from '../../lib/limit/usage.ts'
import { scriptedModel } from '../support/scripted-model.ts'

function counted(...given: readonly unknown[]): Tokens | undefined {
  const count = tokenCount()
  return given.map((each) => count.take(each)).at(-1)
}

const claude = (id: string, output: number) => [
  { type: 'message_start', message: { id, usage: { input_tokens: 10, output_tokens: 1 } } },
  { type: 'message_delta', delta: {}, usage: { output_tokens: output } },
]
const chat = (id: string) => ({
  id,
  choices: [],
  usage: { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 },
})
const completed = (id: string) => ({
  type: 'response.completed',
  response: { id, usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 } },
})

describe('tokens of all answers of a request', () => {
  const cases: readonly [string, readonly unknown[], Tokens | undefined][] = [
    ['nothing', [{ type: 'ping' }], undefined],
    ['one stream, as it said last', claude('a', 40), { input: 10, output: 40 }],
    [
      'streams one after another, put together',
      [...claude('a', 40), ...claude('b', 5)],
      { input: 20, output: 45 },
    ],
    ['an answer told twice, once', [chat('a'), chat('a')], { input: 9, output: 12, total: 21 }],
    [
      'answers told again after others, once',
      [chat('a'), completed('b'), chat('a'), completed('b')],
      { input: 12, output: 16, total: 28 },
    ],
    [
      'answers with a total and without one, put together',
      [...claude('a', 40), chat('b')],
      { input: 19, output: 52, total: 71 },
    ],
    [
      'usage that names no answer, as told last',
      [chat('a').usage, { input_tokens: 1, output_tokens: 2 }],
      { input: 1, output: 2 },
    ],
    [
      'usage that names no answer, of the last one that was named',
      [chat('a'), ...claude('b', 4), { input_tokens: 10, output_tokens: 5 }],
      { input: 19, output: 17, total: 36 },
    ],
    [
      'more than can be charged, as what can be',
      [{ id: 'a', usage: { total_tokens: 999_999_999_999_999 } }, chat('b')],
      { input: 9, output: 12, total: 999_999_999_999_999 },
    ],
  ]
  for (const [fact, given, tokens] of cases)
    it(`are those of ${fact}`, () => assert.deepEqual(counted(...given), tokens))

  it('are not given where a piece states none', () => {
    const count = tokenCount()
    count.take(chat('a'))
    assert.equal(count.take({ id: 'a', choices: [], usage: null }), undefined)
  })

  it("grow with the AI SDK's steps, and count none of them twice when all are stated", async () => {
    const count = tokenCount()
    const seen: unknown[] = []
    for (let run = 0; run < 2; run += 1) {
      const stream = streamText({
        model: scriptedModel([{ call: 'weather', id: 'c', input: {} }], ['It is cold.']).model,
        prompt: 'a',
        tools: {
          weather: tool({
            inputSchema: jsonSchema({ type: 'object' }),
            execute: async () => 'cold',
          }),
        },
        stopWhen: stepCountIs(2),
      })
      for await (const part of stream.fullStream) seen.push(count.take(part)?.total)
    }
    assert.deepEqual(
      seen.filter((total) => total !== undefined),
      [13, 26, 26, 39, 52, 52],
    )
  })
})
