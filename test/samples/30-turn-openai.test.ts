import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'mocha'
import OpenAI from 'openai'
import { openaiChat } from '../../examples/samples/30-turn-openai.ts'
import { allEvents, statusOf, textOf } from '../support/event-stream.ts'
import { modelServer } from './model-server.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('30-turn-openai', ({ store }) => {
  it('streams what the model says, and shows it what was said before', async () => {
    const model = await modelServer(({ messages }) => `Message ${messages.length}, yes.`)
    const openai = new OpenAI({ apiKey: 'none', baseURL: model.url, maxRetries: 0 })
    const { ask, close } = await serve(openaiChat(await store(), openai, 'm'))
    const first = await allEvents(await ask('POST', '/chats/tea', { text: 'Hello' }))
    equal(textOf(first), 'Message 1, yes.')
    equal(statusOf(first), 'complete')
    await allEvents(await ask('POST', '/chats/tea', { text: 'And?' }))
    deepEqual(model.asked[1]?.messages, [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Message 1, yes.' },
      { role: 'user', content: 'And?' },
    ])
    await close()
    await model.close()
  })

  it('asks the model once where the same question comes twice', async () => {
    const model = await modelServer(() => 'Yes.')
    const openai = new OpenAI({ apiKey: 'none', baseURL: model.url, maxRetries: 0 })
    const { ask, close } = await serve(openaiChat(await store(), openai, 'm'))
    const question = { id: 'q1', text: 'Hello' }
    const first = await allEvents(await ask('POST', '/chats/tea', question))
    deepEqual(await allEvents(await ask('POST', '/chats/tea', question)), first)
    equal(model.asked.length, 1)
    await close()
    await model.close()
  })
})
