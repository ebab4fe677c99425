import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { AnyMessage } from '../../lib/index.ts'
import { contextOfLog, type LogSettings, storedLog } from '../support/stored-log.ts'
import { type Form, faultsIn, forms } from '../support/validators/faults.ts'

function out<As extends Form>(as: As, messages: readonly unknown[], settings: LogSettings = {}) {
  const context = contextOfLog(storedLog(messages as AnyMessage[], settings), as)
  assert.deepEqual(faultsIn[as](context.messages), [])
  return context.messages as unknown[]
}

const hi = { role: 'user', content: 'hi' }
const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
const calling = (...ids: string[]) => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map(call),
})
const answer = (id: string, content = id) => ({ role: 'tool', tool_call_id: id, content })
const interrupted = 'The call was interrupted: it has no result.'

describe('repairs of a window', () => {
  it('a missing result says so, behind those that are there', () => {
    assert.deepEqual(out('openai', [hi, calling('a', 'b'), answer('b'), hi]), [
      hi,
      calling('a', 'b'),
      answer('b'),
      answer('a', interrupted),
      hi,
    ])
    assert.deepEqual(out('anthropic', [hi, calling('a')]).at(-1), {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'a', content: interrupted, is_error: true }],
    })
  })

  it('a result that came late stands with its call', () => {
    const messages = [hi, calling('a'), hi, answer('a')]
    assert.deepEqual(out('openai', messages), [hi, calling('a'), answer('a'), hi])
  })

  it('a result without its call goes, and a second one', () => {
    const messages = [hi, answer('x'), calling('a'), answer('a', '1'), answer('a', '2')]
    assert.deepEqual(out('openai', messages), [hi, calling('a'), answer('a', '1')])
  })

  it('a second result does not answer an older call with the same id', () => {
    const messages = [hi, calling('a'), hi, calling('a'), answer('a', '1'), answer('a', '2')]
    assert.deepEqual(out('openai', messages), [
      hi,
      calling('a'),
      answer('a', interrupted),
      hi,
      calling('a'),
      answer('a', '1'),
    ])
  })

  it('ids that occur again are new ones, where a provider asks for it', () => {
    const messages = [hi, calling('a'), answer('a', '1'), calling('a'), answer('a', '2')]
    assert.deepEqual(out('openai', messages), messages)
    assert.deepEqual(
      out('openai-responses', messages).map((item) => (item as { call_id?: string }).call_id),
      [undefined, 'a', 'a', 'a_2', 'a_2'],
    )
  })

  it('ids and names that Anthropic refuses are made ones it takes', () => {
    const messages = [hi, calling('functions.f:0'), answer('functions.f:0')]
    const text = JSON.stringify(out('anthropic', messages))
    assert.match(text, /"id":"functions_f_0".*"tool_use_id":"functions_f_0"/)
  })

  it('an empty answer that was cut off goes, one with text stays', () => {
    const empty = { role: 'assistant', content: '', status: 'aborted' }
    const partial = { role: 'assistant', content: 'so fa', status: 'interrupted' }
    for (const as of forms) {
      assert.equal(out(as, [hi, empty]).length, 1)
      assert.match(JSON.stringify(out(as, [hi, partial])), /so fa/)
    }
    assert.deepEqual(out('openai', [hi, partial]).at(-1), { role: 'assistant', content: 'so fa' })
  })

  it('a question of which nothing can be handed out is there still', () => {
    const silent = [{ role: 'user', content: '' }]
    assert.deepEqual(out('anthropic', silent), [{ role: 'user', content: '(no text)' }])
    const unknown = [{ role: 'user', content: [{ type: 'container_upload', file_id: 'x' }] }]
    assert.deepEqual(out('openai', unknown), [{ role: 'user', content: '(no text)' }])
    assert.equal(out('ai-sdk', unknown).length, 1)
  })

  it('reasoning whose item is missing goes, with what came of the AI SDK too', () => {
    const reasoning = { type: 'reasoning', id: 'r', summary: [] }
    assert.deepEqual(out('openai-responses', [hi, reasoning, hi]), [hi, hi])
    const parts = [
      { type: 'step-start' },
      { type: 'text', text: 'x' },
      { type: 'step-start' },
      { type: 'reasoning', text: 'hm', state: 'streaming' },
    ]
    const ui = { id: 'a', role: 'assistant', parts, status: 'interrupted' }
    assert.deepEqual(out('ai-sdk', [hi, ui]).at(-1), {
      id: 'a',
      role: 'assistant',
      parts: parts.slice(0, 2),
    })
  })

  it('a call that waits for approval waits in the newest message only', () => {
    const approval = { id: 'p', approved: true }
    const part = {
      type: 'tool-f',
      toolCallId: 'c',
      input: {},
      state: 'approval-responded',
      approval,
    }
    const ui = { id: 'a', role: 'assistant', parts: [part] }
    assert.deepEqual(out('ai-sdk', [hi, ui]).at(-1), ui)
    const { state: _, approval: __, ...tool } = part
    const [, settled] = out('ai-sdk', [hi, ui, hi]) as { parts: unknown[] }[]
    assert.deepEqual(settled?.parts, [{ ...tool, state: 'output-error', errorText: interrupted }])
  })

  it('a call that only one provider knows goes where its result is missing', () => {
    const reasoning = { type: 'reasoning', id: 'r', summary: [] }
    const computer = { type: 'computer_call', id: 'cu', call_id: 'c', action: {} }
    const output = { type: 'computer_call_output', call_id: 'c', output: {} }
    const whole = [hi, reasoning, computer, output]
    assert.deepEqual(out('openai-responses', whole), whole)
    assert.deepEqual(out('openai-responses', [hi, reasoning, computer, hi]), [hi, hi])
    assert.deepEqual(out('openai', whole), [hi])
  })

  it("a tool of Anthropic's own waits for its result in the last answer only", () => {
    const use = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }
    const text = { type: 'text', text: 'x' }
    const paused = { role: 'assistant', content: [text, use] }
    assert.deepEqual(out('anthropic', [hi, paused]), [hi, paused])
    const [, settled] = out('anthropic', [hi, paused, hi])
    assert.deepEqual(settled, { role: 'assistant', content: [text] })
  })

  it('questions between which nothing is left are one message for Anthropic', () => {
    const use = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }
    const text = { type: 'text', text: 'hi' }
    assert.deepEqual(out('anthropic', [hi, { role: 'assistant', content: [use] }, hi]), [
      { role: 'user', content: [text, text] },
    ])
  })

  it('what makes no sense is left out, not passed on', () => {
    const nonsense = [
      { role: 'assistant', content: 'x', tool_calls: 'all' },
      { role: 'assistant', content: null, tool_calls: [null, {}, { id: 7 }] },
      { role: 'assistant', content: [{ type: 'tool_use' }, { type: 'thinking' }, { type: 5 }] },
      { role: 'tool', content: 'x' },
      { type: 'function_call' },
      { type: 'function_call_output' },
      {
        role: 'assistant',
        parts: [{ type: 'tool-f' }, { type: 'dynamic-tool' }, { type: 'file' }],
      },
      { role: 'user', content: [] },
    ]
    for (const as of forms) out(as, [hi, ...nonsense, hi])
  })

  it('a conversation in which no user has spoken gives what is valid of it', () => {
    const messages = [answer('a'), calling('b'), answer('b'), { role: 'assistant', content: 'x' }]
    assert.equal(out('openai', messages).length, 3)
    assert.deepEqual(out('anthropic', messages), [])
    for (const as of forms) out(as, messages)
  })

  it('a turn longer than the window is whole, and begins with its question', () => {
    const steps = Array.from({ length: 30 }, (_, n) => [calling(`c${n}`), answer(`c${n}`)]).flat()
    for (const as of ['openai', 'anthropic'] as const)
      assert.equal(out(as, [hi, { role: 'assistant', content: 'x' }, hi, ...steps]).length, 61)
  })

  it('a few questions in a row are one turn, whole before a long answer', () => {
    const questions = Array.from({ length: 3 }, (_, n) => ({ role: 'user', content: `q${n}` }))
    const steps = Array.from({ length: 30 }, (_, n) => [calling(`c${n}`), answer(`c${n}`)]).flat()
    const told = [hi, { role: 'assistant', content: 'x' }, ...questions, ...steps]
    assert.deepEqual(out('openai', told).slice(0, 3), questions)
    assert.equal(out('openai', told).length, 63)
  })

  it('of more questions in a row than the window holds the newest are handed out', () => {
    const questions = Array.from({ length: 30 }, (_, n) => ({ role: 'user', content: `q${n}` }))
    const before = [hi, { role: 'assistant', content: 'x' }]
    assert.deepEqual(out('openai', [...before, ...questions]), questions.slice(-16))
    const steps = Array.from({ length: 20 }, (_, n) => [calling(`c${n}`), answer(`c${n}`)]).flat()
    assert.deepEqual(out('openai', [...before, ...questions, ...steps])[0], questions.at(-1))
  })
})

describe('system prompt and summary', () => {
  const messages = [
    { role: 'system', content: 'be brief' },
    ...Array.from({ length: 40 }, (_, n) => [
      { role: 'user', content: `q${n}` } as const,
      { role: 'assistant', content: `a${n}` } as const,
    ]).flat(),
  ] as const
  const told = 'Summary of the conversation so far: they met'

  it('stand in the messages for OpenAI', () => {
    for (const as of ['openai', 'openai-responses'] as const) {
      const context = contextOfLog(storedLog(messages, { summary: 'they met' }), as)
      assert.deepEqual(context.messages.slice(0, 2), [
        { role: 'system', content: 'be brief' },
        { role: 'system', content: told },
      ])
      assert.deepEqual([context.system, context.summary], [undefined, 'they met'])
    }
  })

  it('stand apart for Anthropic and the AI SDK', () => {
    for (const as of ['anthropic', 'ai-sdk'] as const) {
      const context = contextOfLog(storedLog(messages, { summary: 'they met' }), as)
      assert.equal(context.system, `be brief\n\n${told}`)
      assert.equal(context.messages[0]?.role, 'user')
    }
  })

  it('take part of the tokens', () => {
    const bound = { tokens: 70 }
    const bare = contextOfLog(storedLog(messages), 'openai', bound)
    const log = storedLog(messages, { summary: 'they met' })
    const context = contextOfLog(log, 'openai', bound)
    assert.ok(context.tokens <= 70, `${context.tokens}`)
    assert.ok(context.messages.length < bare.messages.length)
    assert.ok(bare.tokens <= 70 && bare.tokens > 60, `${bare.tokens}`)
  })

  it('a summary is not told where the window begins at the start', () => {
    const log = storedLog(messages.slice(0, 5), { summary: 'they met' })
    const context = contextOfLog(log, 'openai')
    assert.equal(context.summary, undefined)
    assert.equal(context.messages.length, 5)
  })

  it('the raw form has the system message first, and the summary apart', () => {
    const context = contextOfLog(storedLog(messages, { summary: 'they met' }), 'raw')
    assert.equal(context.messages[0]?.content, 'be brief')
    assert.equal(context.messages[1]?.role, 'user')
    assert.equal(context.summary, 'they met')
  })
})
