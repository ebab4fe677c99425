import { deepEqual } from 'node:assert/strict'
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { it } from 'mocha'
import { ask } from '../../examples/samples/20-langchain.ts'
import { serveMemories } from '../support/memories.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('20-langchain', ({ store }) => {
  it('asks with what was said before, and keeps the answer', async () => {
    const memories = await serveMemories(await store())
    const seen: unknown[] = []
    const model = new FakeListChatModel({ responses: ['At nine.', 'At five.'] })
    const callbacks = [
      {
        handleChatModelStart: (_: unknown, [messages]: { content: unknown }[][]) => {
          seen.push(messages?.map(({ content }) => content))
        },
      },
    ]
    const asking = model.withConfig({ callbacks }) as unknown as FakeListChatModel
    const said = await memories.ann(async (memory) => [
      await ask(memory, asking, 'When do you open?'),
      await ask(memory, asking, 'And close?'),
      (await memory.history()).items.map(({ role, content }) => `${role}: ${content}`),
    ])
    deepEqual(said, [
      'At nine.',
      'At five.',
      ['user: When do you open?', 'assistant: At nine.', 'user: And close?', 'assistant: At five.'],
    ])
    const system = 'You help the visitors of a library.'
    deepEqual(seen, [
      [system, 'When do you open?'],
      [system, 'When do you open?', 'At nine.', 'And close?'],
    ])
    await memories.close()
  })
})
