import assert from 'node:assert/strict'
import {
  type BaseMessage,
  coerceMessageLikeToMessage,
  trimMessages,
} from '@langchain/core/messages'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { messagesOf, soundConversations } from '../support/conversations.ts'
import { type Form, faultsIn, forms } from '../support/validators/faults.ts'

const user = { role: 'user', content: 'hi' }
const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
const calling = { role: 'assistant', content: null, tool_calls: [call] }
const tool = { role: 'tool', tool_call_id: 'c', content: '1' }

const use = { type: 'tool_use', id: 'c', name: 'f', input: {} }
const result = { type: 'tool_result', tool_use_id: 'c', content: '1' }
const using = { role: 'assistant', content: [use] }
const answering = { role: 'user', content: [result] }
const text = { type: 'text', text: 'x' }

const item = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
const output = { type: 'function_call_output', call_id: 'c', output: '1' }
const reasoning = { type: 'reasoning', id: 'r', summary: [] }
const said = { role: 'assistant', content: 'so' }

const asked = { id: 'u', role: 'user', parts: [text] }
const ui = (...parts: object[]) => ({ id: 'a', role: 'assistant', parts })
const part = { type: 'tool-f', toolCallId: 'c', input: {} }

/** What breaks one rule each. */
const bad: Readonly<Record<Form, Readonly<Record<string, readonly unknown[]>>>> = {
  openai: {
    'a result that answers no call': [user, tool],
    'a result that answers a call of an earlier message': [
      user,
      calling,
      tool,
      { role: 'assistant', content: 'x' },
      tool,
    ],
    'a call that is not answered before the next message': [user, calling, user],
    'a call that is not answered at the end': [user, calling],
    'a call with two results': [user, calling, tool, tool],
    'an assistant that says nothing': [user, { role: 'assistant', content: null }],
    'an empty list of calls': [user, { role: 'assistant', content: 'x', tool_calls: [] }],
    'a member of this package': [{ ...user, createdAt: 1 }],
    'a block of another provider': [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }],
  },
  'openai-responses': {
    'an output without its call': [user, output],
    'an output before its call': [user, output, item],
    'a call without its output': [user, item],
    'a call with two outputs': [user, item, output, output],
    'two calls with one id': [user, item, item, output],
    'an output of another type': [user, item, { ...output, type: 'custom_tool_call_output' }],
    'reasoning without its item': [user, reasoning, user],
    'reasoning at the end': [user, said, reasoning],
    'reasoning that an output follows': [user, item, reasoning, output],
    'a message without content': [{ type: 'message', role: 'user', content: [] }],
    'a chat message with calls': [user, calling, tool],
  },
  anthropic: {
    'an assistant first': [{ role: 'assistant', content: 'x' }],
    'two of a role in a row': [user, user],
    'a role that is none': [user, { role: 'system', content: 'x' }],
    'a call without a result': [user, using, user],
    'a call at the end': [user, using],
    'a result without a call': [answering],
    'a result that does not stand first': [user, using, { role: 'user', content: [text, result] }],
    'a result given twice': [user, using, { role: 'user', content: [result, result] }],
    'an empty text': [{ role: 'user', content: [{ type: 'text', text: ' ' }] }],
    'no content': [{ role: 'user', content: '' }],
    'an id that was used': [user, using, answering, using, answering],
    'thinking at the end': [
      user,
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 's' }] },
    ],
    'thinking without a signature': [
      user,
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'x' }, text] },
    ],
    'a member of this package': [{ ...user, id: 'x' }],
  },
  'ai-sdk': {
    'a call whose input is under way': [asked, ui({ ...part, state: 'input-streaming' })],
    'a call without a result': [asked, ui({ ...part, state: 'input-available' })],
    'an approval that is not the last': [
      asked,
      ui({ ...part, state: 'approval-responded' }),
      { ...asked, id: 'u2' },
    ],
    'a text that is under way': [asked, ui({ ...text, state: 'streaming' })],
    'an empty text': [asked, ui({ type: 'text', text: '' })],
    'no parts': [asked, ui()],
    'an id twice': [asked, asked],
    'a system message': [{ ...asked, role: 'system' }],
    'a step of reasoning only': [
      asked,
      ui({ type: 'step-start' }, { type: 'reasoning', text: 'x' }, { type: 'step-start' }, text),
    ],
  },
}

const good: Readonly<Record<Form, readonly unknown[]>> = {
  openai: [user, calling, tool, { role: 'assistant', content: 'done' }, user],
  'openai-responses': [user, reasoning, item, output, said, user],
  anthropic: [user, using, { role: 'user', content: [result, text] }],
  'ai-sdk': [
    asked,
    ui({ type: 'step-start' }, text, { ...part, state: 'output-error', errorText: 'x' }),
  ],
}

for (const form of forms) {
  describe(`the validator of ${form}`, () => {
    it('has nothing against what its provider takes', () => {
      assert.deepEqual(faultsIn[form](good[form]), [])
      const property = fc.property(soundConversations, (made) => {
        assert.deepEqual(faultsIn[form](messagesOf(made, form)), [])
      })
      fc.assert(property, { numRuns: 100 })
    })

    for (const [fault, messages] of Object.entries(bad[form]))
      it(`refuses ${fault}`, () => assert.notDeepEqual(faultsIn[form](messages), []))
  })
}

describe('trimmers of others', () => {
  for (const form of ['openai', 'openai-responses', 'anthropic'] as const) {
    it(`by slice(-20) of messages of ${form}, are found out`, () => {
      const found = fc
        .sample(soundConversations, { numRuns: 200, seed: 1 })
        .filter((made) => faultsIn[form](messagesOf(made, form).slice(-20)).length > 0)
      assert.ok(found.length >= 10, `${found.length} of 200`)
    })
  }

  it('by trimMessages() of LangChain, are found out', async () => {
    let found = 0
    for (const made of fc.sample(soundConversations, { numRuns: 200, seed: 1 })) {
      const messages = messagesOf(made, 'openai')
      const theirs = messages.map((message, at) => {
        const like = { ...message, id: String(at) } as Parameters<
          typeof coerceMessageLikeToMessage
        >[0]
        return coerceMessageLikeToMessage(like)
      })
      const trimmed = await trimMessages(theirs, {
        maxTokens: 20,
        strategy: 'last',
        tokenCounter: (all: BaseMessage[]) => all.length,
      })
      const kept = trimmed.map(({ id }) => messages[Number(id)])
      if (faultsIn.openai(kept).length > 0) found += 1
    }
    assert.ok(found >= 10, `${found} of 200`)
  })
})
