import { deepEqual } from 'node:assert/strict'
import { it } from 'mocha'
import { chatApp, type Model } from '../../examples/samples/02-chat.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

const model: Model = async (messages) =>
  `${messages.length} messages, first ${String(messages[0]?.content)}`

onEachProvider('02-chat', ({ store }) => {
  it('shows the model what was said before', async () => {
    const { ask, json, close } = await serve(chatApp(await store(), model))
    deepEqual(await json('POST', '/chats/tea', { text: 'Hello' }), {
      content: '1 messages, first Hello',
    })
    deepEqual(await json('POST', '/chats/tea', { text: 'And then?' }), {
      content: '3 messages, first Hello',
    })
    await ask('POST', '/chats/coffee', { text: 'Another chat' })
    deepEqual(await json('GET', '/chats/tea'), [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: '1 messages, first Hello' },
      { role: 'user', content: 'And then?' },
      { role: 'assistant', content: '3 messages, first Hello' },
    ])
    await close()
  })
})
