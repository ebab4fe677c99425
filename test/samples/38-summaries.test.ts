import { equal, match } from 'node:assert/strict'
import { it } from 'mocha'
import OpenAI from 'openai'
import { summarizingChat } from '../../examples/samples/38-summaries.ts'
import { allEvents } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { modelServer } from './model-server.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('38-summaries', ({ store }) => {
  it('shows the model a summary of what no longer fits', async () => {
    const model = await modelServer(({ stream }) => (stream ? 'Yes.' : 'Ann likes tea.'))
    const openai = new OpenAI({ apiKey: 'none', baseURL: model.url, maxRetries: 0 })
    const { ask, close } = await serve(summarizingChat(await store(), openai, 'm'))
    const say = async (text: string) => allEvents(await ask('POST', '/chats/tea', { text }))
    for (let turn = 1; turn <= 6; turn += 1) await say(`Question ${turn}`)
    const summary = await eventually('a summary is kept', async () => {
      const lines = (await (await ask('GET', '/chats/tea/export')).text()).trim().split('\n')
      return (JSON.parse(lines[0] ?? '') as { summary?: { text: string } }).summary
    })
    equal(summary.text, 'Ann likes tea.')
    const summed = model.asked.find(({ stream }) => !stream)
    match(String(summed?.messages[1]?.content), /^user: "Question 1"\nassistant: "Yes\."/)
    await say('And now?')
    const [first] = model.asked.findLast(({ stream }) => stream)?.messages ?? []
    match(JSON.stringify(first), /^\{"role":"system","content":".*Ann likes tea\."\}$/)
    await close()
    await model.close()
  })
})
