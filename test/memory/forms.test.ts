import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { AnyMessage, Memory, Store } from '../../lib/index.ts'
import { type App, frameworks, type Mounts } from '../support/apps.ts'
import { bothProviders } from '../support/stores.ts'

const [express] = frameworks

for (const stores of bothProviders()) {
  describe(`messages of all formats over ${stores.name}`, () => {
    let store: Store
    let app: App | undefined

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    afterEach(() => app?.close())
    after(() => stores.stop())

    async function answered(
      handle: (memory: Memory) => unknown,
      options: Mounts['memory'] = {},
    ): Promise<{ status: number; body: unknown }> {
      app = await express?.serve({ memory: { store, ...options } }, async ({ memory, send }) =>
        send(200, JSON.stringify(await handle(memory))),
      )
      const answer = await fetch(app?.url ?? '', { headers: { 'x-user': 'ann' } })
      const text = await answer.text()
      return { status: answer.status, body: answer.ok ? JSON.parse(text) : text }
    }

    const question = { id: 'u1', role: 'user', parts: [{ type: 'text', text: 'What is it?' }] }
    const conversation = [
      question,
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
      { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: '42' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'text', text: 'It is 42.' },
        ],
      },
    ] as AnyMessage[]

    it('go in together, and out in the form asked for', async () => {
      const { body } = await answered(async (memory) => {
        const { added, duplicates } = await memory.append([...conversation, question as AnyMessage])
        const { messages } = await memory.context({ as: 'openai' })
        const items = await memory.context({ as: 'openai-responses' })
        const [session] = (await memory.sessions.list()).items
        return { added, duplicates, messages, items: items.messages, title: session?.title }
      })
      const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
      assert.deepEqual(body, {
        added: 5,
        duplicates: 1,
        title: 'What is it?',
        messages: [
          { role: 'user', content: 'What is it?' },
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: 'c', content: '42' },
          { role: 'assistant', content: 'It is 42.' },
        ],
        items: [
          { role: 'user', content: 'What is it?' },
          ...conversation.slice(1, 4),
          { role: 'assistant', content: 'It is 42.' },
        ],
      })
    })

    it('are counted in their stored form', async () => {
      const counted: unknown[] = []
      const { body } = await answered(
        async (memory) => {
          await memory.append(conversation)
          return (await memory.context({ as: 'anthropic' })).tokens
        },
        {
          context: {
            count: ({ role, content, ...rest }) => {
              counted.push([role, Array.isArray(content), 'format' in rest && rest.format])
              return 7
            },
          },
        },
      )
      assert.equal(body, 35)
      assert.deepEqual(counted, [
        ['user', true, 'ai-sdk'],
        ['assistant', true, 'openai-responses'],
        ['assistant', true, 'openai-responses'],
        ['tool', true, 'openai-responses'],
        ['assistant', true, 'anthropic'],
      ])
    })

    it('stay whole where the newest turn is longer than the window', async () => {
      const { body } = await answered(
        async (memory) => {
          await memory.append([
            { role: 'user', content: 'first' },
            { role: 'assistant', content: 'x' },
          ])
          await memory.append(conversation)
          return (await memory.context({ as: 'anthropic' })).messages
        },
        { context: { messages: 3 } },
      )
      assert.deepEqual(
        (body as { role: string }[]).map(({ role }) => role),
        ['user', 'assistant', 'user', 'assistant'],
      )
    })

    it('are refused in a form that is none', async () => {
      const { status } = await answered((memory) => memory.context({ as: 'toString' as never }))
      assert.equal(status, 400)
    })
  })
}
