import { deepEqual, equal, match } from 'node:assert/strict'
import type { Request } from 'express'
import { it } from 'mocha'
import OpenAI from 'openai'
import { budgetedChat } from '../../examples/samples/40-token-budgets.ts'
import { allEvents, textOf } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { modelServer } from './model-server.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

const user = (req: Request) => req.get('x-user') ?? 'nobody'

onEachProvider('40-token-budgets', ({ store }) => {
  async function chat(url?: string) {
    const model = await modelServer(() => 'Four words of tea.')
    const openai = new OpenAI({ apiKey: 'none', baseURL: url ?? model.url, maxRetries: 0 })
    const app = budgetedChat(await store(), { openai, model: 'm', user })
    // Else Express writes what fails to the console.
    const served = await serve(app.set('env', 'test'))
    return {
      model,
      say: (text: string, id?: string) =>
        served.ask('POST', '/chats/tea', { text, ...(id && { id }) }, 'ann'),
      budget: () =>
        served.json<{ minute: number; day: number }>('GET', '/budget', undefined, 'ann'),
      async close() {
        await served.close()
        await model.close()
      },
    }
  }

  it('takes what an answer used, not what was reserved for it', async () => {
    const { say, budget, close } = await chat()
    const response = await say('Hello')
    match(String(response.headers.get('ratelimit')), /^"tpm";r=15500;t=\d+, "tpd";r=195500/)
    equal(textOf(await allEvents(response)), 'Four words of tea.')
    // One message and four pieces.
    deepEqual(await budget(), { minute: 19_995, day: 199_995 })
    await allEvents(await say('And?'))
    deepEqual(await budget(), { minute: 19_988, day: 199_988 })
    await close()
  })

  it('takes nothing for an answer that is there already', async () => {
    const { model, say, budget, close } = await chat()
    await allEvents(await say('Hello', 'q1'))
    const before = await budget()
    equal(textOf(await allEvents(await say('Hello', 'q1'))), 'Four words of tea.')
    deepEqual(await budget(), before)
    equal(model.asked.length, 1)
    await close()
  })

  it('takes nothing where the model does not begin', async () => {
    const { say, budget, close } = await chat('http://127.0.0.1:1')
    await (await say('Hello')).text().catch(() => undefined)
    await eventually('all of it is back', async () => {
      const { minute, day } = await budget()
      return (minute === 20_000 && day === 200_000) || undefined
    })
    await close()
  })
})
