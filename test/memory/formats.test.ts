import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { countedText } from '../../lib/history/counted-text.ts'
import { textOf, toEntry, toMessage } from '../../lib/history/message.ts'
import { type AnyMessage, RequestError } from '../../lib/index.ts'
import { codec, contextOfLog, storedLog } from '../support/stored-log.ts'
import { type Form, faultsIn, forms } from '../support/validators/faults.ts'

const rules = { maxBytes: 65_536, count: () => 1 }
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/** A message as the store would keep it. */
function kept(message: unknown) {
  const entry = toEntry(message as AnyMessage, rules, codec)
  const read = toMessage({ ...entry, seq: 1, payload: Buffer.from(entry.payload) }, codec)
  const { createdAt: _, ...stored } = read
  return { letter: entry.role, stored }
}

/** Messages in a form, of a log of these. */
function out<As extends Form>(as: As, ...messages: unknown[]) {
  const context = contextOfLog(storedLog(messages as AnyMessage[]), as)
  assert.deepEqual(faultsIn[as](context.messages), [])
  return context.messages as unknown[]
}

const hi = { role: 'user', content: 'hi' }
const functionCall = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}' }
const functionOutput = { type: 'function_call_output', call_id: 'c', output: '42' }
const chatCall = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
const toolUse = { type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } }
const toolResult = { type: 'tool_result', tool_use_id: 'c', content: '42' }

describe('formats of messages that come in', () => {
  it('a UI message is kept with its parts as content, by its own id', () => {
    const parts = [{ type: 'text', text: 'hi' }]
    const message = { id: 'ui1', role: 'user', parts, metadata: { model: 'x' } }
    assert.deepEqual(kept(message), {
      letter: 'u',
      stored: {
        id: 'ui1',
        role: 'user',
        content: parts,
        metadata: { model: 'x' },
        format: 'ai-sdk',
      },
    })
  })

  it('a Responses item is kept whole, by its own id', () => {
    const item = { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' }
    assert.deepEqual(kept(item), {
      letter: 'a',
      stored: { id: 'fc_1', role: 'assistant', content: [item], format: 'openai-responses' },
    })
  })

  for (const [name, message, letter, format] of [
    ['plain text', hi, 'u', undefined],
    [
      "OpenAI's parts",
      { role: 'user', content: [{ type: 'image_url', image_url: {} }] },
      'u',
      undefined,
    ],
    [
      'parts that are only text',
      { role: 'user', content: [{ type: 'text', text: 'x' }] },
      'u',
      undefined,
    ],
    [
      "OpenAI's calls without content",
      { role: 'assistant', tool_calls: [chatCall] },
      'a',
      undefined,
    ],
    [
      'a Responses message',
      { type: 'message', role: 'developer', content: 'x' },
      'd',
      'openai-responses',
    ],
    [
      'Responses parts',
      { role: 'user', content: [{ type: 'input_text', text: 'x' }] },
      'u',
      'openai-responses',
    ],
    ['an output', functionOutput, 't', 'openai-responses'],
    ['reasoning', { type: 'reasoning', id: 'r', summary: [] }, 'a', 'openai-responses'],
    ['a reference', { type: 'item_reference', id: 'r' }, 'a', 'openai-responses'],
    ['an Anthropic call', { role: 'assistant', content: [toolUse] }, 'a', 'anthropic'],
    ['Anthropic results', { role: 'user', content: [toolResult] }, 't', 'anthropic'],
    [
      'an Anthropic image',
      { role: 'user', content: [{ type: 'image', source: {} }] },
      'u',
      'anthropic',
    ],
    [
      'an answer of Anthropic',
      {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        stop_reason: 'end_turn',
        content: [{ type: 'text', text: 'x' }],
      },
      'a',
      'anthropic',
    ],
    ['a UI message of the system', { id: 's', role: 'system', parts: [] }, 's', 'ai-sdk'],
  ] as const) {
    it(`${name} is told by its shape`, () => {
      const { letter: role, stored } = kept(message)
      assert.deepEqual([role, stored.format], [letter, format])
    })
  }

  it('an id that cannot name a message is none', () => {
    for (const id of ['', 'x'.repeat(129), '\ud800', null, 7])
      assert.match(kept({ id, role: 'user', parts: [{ type: 'text', text: 'x' }] }).stored.id, uuid)
    assert.match(kept({ type: 'item_reference', id: 'msg_1' }).stored.id, uuid)
  })

  it('what was read from a history is stored as it was', () => {
    for (const message of [
      { id: 'u', role: 'user', parts: [{ type: 'text', text: 'x' }] },
      { ...functionOutput, id: 'fco' },
      { id: 'a', role: 'user', content: [toolResult] },
      { id: 'p', role: 'user', content: 'x', format: 'markdown' },
    ]) {
      const first = kept(message)
      assert.deepEqual(kept(first.stored), first)
    }
  })

  for (const [fault, message] of [
    ['an array', [hi]],
    ['parts of an unknown role', { role: 'model', parts: [{ text: 'x' }] }],
    ['parts without a type', { role: 'user', parts: [{ text: 'x' }] }],
    ['a part that is null', { role: 'user', parts: [null] }],
    ['a Responses message without a role', { type: 'message', content: 'x' }],
    ['a Responses message without content', { type: 'message', role: 'user' }],
    ['a tool of the prototype', { role: 'constructor', content: 'x' }],
    ['a stored message without parts', { role: 'user', format: 'ai-sdk', content: 'x' }],
    ['two items in one', { role: 'user', format: 'openai-responses', content: [{}, {}] }],
    ['an answer with nothing', { role: 'assistant' }],
    ['a time that is none', { role: 'user', content: 'x', createdAt: 'now' }],
    ['hostile nesting', { role: 'user', content: [{ type: 'x', deep: nested(100_000) }] }],
    ['a circle', { role: 'user', content: [circle()] }],
  ] as const) {
    it(`${fault} is refused with 400`, () => {
      assert.throws(
        () => kept(message),
        (error) => error instanceof RequestError && error.status === 400,
      )
    })
  }

  it('10 MiB are refused with 413', () => {
    const parts = [{ type: 'text', text: 'x'.repeat(10 * 1024 * 1024) }]
    assert.throws(
      () => kept({ role: 'user', parts }),
      (error) => error instanceof RequestError && error.status === 413,
    )
  })

  it('names of the prototype are members like others', () => {
    const message = JSON.parse('{"role":"user","content":"x","__proto__":{"a":1},"toString":"y"}')
    assert.equal(JSON.stringify(kept(message).stored).includes('"__proto__":{"a":1}'), true)
    assert.equal(({} as { a?: number }).a, undefined)
    assert.equal(JSON.stringify(out('openai', message)).includes('"__proto__":{"a":1}'), true)
  })

  it('the text of each is its text', () => {
    for (const message of [
      hi,
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'image', source: {} },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'reasoning', text: 'no' },
          { type: 'text', text: 'hi' },
        ],
      },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
      { type: 'function_call_output', call_id: 'c', output: 'hi' },
      { role: 'user', content: [{ ...toolResult, content: [{ type: 'text', text: 'hi' }] }] },
    ] as AnyMessage[]) {
      assert.equal(textOf(message), 'hi')
      assert.equal(textOf(kept(message).stored), 'hi')
    }
  })
})

describe('what is counted of a message', () => {
  it('is its text where it is plain', () => {
    assert.equal(countedText({ role: 'user', content: 'hi', id: 'x', createdAt: 1 }), 'hi')
    assert.equal(
      countedText({ role: 'user', content: [{ type: 'text', text: 'hi' }] as never }),
      'hi',
    )
  })

  it('holds what is called and what came of it, but no bytes of files', () => {
    const { stored } = kept({ role: 'assistant', content: [{ ...toolUse, input: { q: 'tides' } }] })
    assert.match(countedText(stored), /tides/)
    assert.match(countedText(kept(functionOutput).stored), /42/)
    assert.match(countedText(kept({ role: 'assistant', tool_calls: [chatCall] }).stored), /"f"/)
    const source = { type: 'base64', media_type: 'image/png', data: 'QUJD'.repeat(1000) }
    const image = kept({ role: 'user', content: [{ type: 'image', source }] }).stored
    assert.ok(countedText(image).length < 100)
  })
})

describe('formats of messages that go out', () => {
  it('nothing of this package is on them', () => {
    const context = out('openai', {
      id: 'm',
      createdAt: 5,
      role: 'user',
      name: 'Ann',
      content: 'x',
    })
    assert.deepEqual(context, [{ role: 'user', name: 'Ann', content: 'x' }])
  })

  it('an answer of Anthropic is a message to Anthropic', () => {
    const content = [{ type: 'text', text: 'x' }]
    const answer = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      usage: {},
      content,
    }
    assert.deepEqual(out('anthropic', hi, answer), [hi, { role: 'assistant', content }])
  })

  const asOpenAi = [
    hi,
    { role: 'assistant', content: 'wait', tool_calls: [chatCall] },
    { role: 'tool', tool_call_id: 'c', content: '42' },
    { role: 'assistant', content: 'done' },
  ]
  const asResponses = [
    hi,
    { type: 'message', role: 'assistant', content: 'wait' },
    functionCall,
    functionOutput,
    { role: 'assistant', content: 'done' },
  ]
  const asAnthropic = [
    hi,
    { role: 'assistant', content: [{ type: 'text', text: 'wait' }, toolUse] },
    { role: 'user', content: [toolResult] },
    { role: 'assistant', content: 'done' },
  ]
  const asUi = [
    { id: 'u', role: 'user', parts: [{ type: 'text', text: 'hi' }] },
    {
      id: 'a',
      role: 'assistant',
      parts: [
        { type: 'step-start' },
        { type: 'text', text: 'wait' },
        {
          type: 'dynamic-tool',
          toolName: 'f',
          toolCallId: 'c',
          state: 'output-available',
          input: { a: 1 },
          output: '42',
        },
        { type: 'step-start' },
        { type: 'text', text: 'done' },
      ],
    },
  ]
  const same = {
    openai: asOpenAi,
    'openai-responses': asResponses,
    anthropic: asAnthropic,
    'ai-sdk': asUi,
  }

  for (const from of forms)
    for (const to of forms)
      it(`what came as ${from} goes out as ${to}`, () => {
        const found = out(to, ...same[from])
        // Text that stands alone may be a part or not.
        assert.deepEqual(plain(found), plain(same[to]))
      })

  it('reasoning of OpenAI and of Anthropic survives the AI SDK', () => {
    const item = { type: 'reasoning', id: 'rs', summary: [], encrypted_content: 'e' }
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's' }
    const said = { role: 'assistant', content: 'so' }
    const [, viaResponses] = out('ai-sdk', hi, item, said)
    assert.deepEqual(out('openai-responses', hi, viaResponses), [hi, item, said])
    const anthropic = { role: 'assistant', content: [thinking, { type: 'text', text: 'so' }] }
    const [, viaAnthropic] = out('ai-sdk', hi, anthropic)
    assert.deepEqual(out('anthropic', hi, viaAnthropic), [hi, anthropic])
  })

  it('an image goes from each to each', () => {
    const url = 'data:image/png;base64,aaaa'
    const source = { type: 'base64', media_type: 'image/png', data: 'aaaa' }
    const text = { type: 'text', text: 'x' }
    const images = {
      openai: { role: 'user', content: [text, { type: 'image_url', image_url: { url } }] },
      'openai-responses': {
        role: 'user',
        content: [
          { type: 'input_text', text: 'x' },
          { type: 'input_image', image_url: url, detail: 'auto' },
        ],
      },
      anthropic: { role: 'user', content: [text, { type: 'image', source }] },
      'ai-sdk': {
        id: 'u',
        role: 'user',
        parts: [text, { type: 'file', mediaType: 'image/png', url }],
      },
    }
    for (const from of forms)
      for (const to of forms)
        assert.deepEqual(plain(out(to, images[from])), plain([images[to]]), `${from} to ${to}`)
  })
})

/** Without ids of messages and the type that may be left out, and text that stands alone as text. */
function plain(messages: readonly unknown[]): unknown[] {
  return (messages as Record<string, unknown>[]).map(({ id: _, ...message }) => {
    const { content, type } = message
    if (type === 'message') delete message['type']
    const [only, ...more] = Array.isArray(content) ? content : []
    return only?.type === 'text' && more.length === 0 ? { ...message, content: only.text } : message
  })
}

function nested(depth: number): unknown {
  let value: unknown = 'x'
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

function circle(): object {
  const part: { type: string; self?: unknown } = { type: 'text' }
  part.self = part
  return part
}
