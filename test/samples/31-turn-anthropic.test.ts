import { deepEqual, equal } from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import { it } from 'mocha'
import { anthropicChat } from '../../examples/samples/31-turn-anthropic.ts'
import { allEvents, textOf } from '../support/event-stream.ts'
import { modelServer } from './model-server.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('31-turn-anthropic', ({ store }) => {
  it('streams what the model says, and shows it what was said before', async () => {
    const model = await modelServer(({ messages }) => `Message ${messages.length}, yes.`)
    const anthropic = new Anthropic({ apiKey: 'none', baseURL: model.url, maxRetries: 0 })
    const app = anthropicChat(await store(), anthropic, 'm')
    const { ask, close } = await serve(app.callback())
    const first = await ask('POST', '/', { text: 'Hello' })
    equal(first.status, 200)
    equal(textOf(await allEvents(first)), 'Message 1, yes.')
    await allEvents(await ask('POST', '/', { text: 'And?' }))
    deepEqual(model.asked[1]?.messages, [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: [{ type: 'text', text: 'Message 1, yes.' }] },
      { role: 'user', content: 'And?' },
    ])
    await close()
    await model.close()
  })
})
