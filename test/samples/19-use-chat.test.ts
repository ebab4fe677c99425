import { deepEqual, equal } from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import type { UIMessage } from 'ai'
import { it } from 'mocha'
import { asking, chatOnExpress, chatOnKoa } from '../../examples/samples/19-use-chat.ts'
import { listen } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { latch } from '../support/latch.ts'
import { scriptedModel } from '../support/scripted-model.ts'
import { tell, UiChat } from '../support/ui-chat.ts'
import { onEachProvider } from './on-each.ts'

/** A browser, which keeps the guest's cookie, and the pages it opens. */
async function browse(app: RequestListener) {
  const { url, close } = await listen(app)
  let cookie = ''
  const ask: typeof fetch = async (input, init = {}) => {
    const headers = { ...(init.headers as Record<string, string>), cookie }
    const response = await fetch(input, { ...init, headers })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return response
  }
  const api = `${url}/api/chat`
  const load = async () => (await (await ask(`${api}/c1/messages`)).json()) as UIMessage[]
  const open = async () =>
    new UiChat({ id: 'c1', transport: { api, fetch: ask }, messages: await load() })
  return { api, ask, load, open, close }
}

onEachProvider('19-use-chat', ({ store }) => {
  for (const [name, serve] of [
    [
      'Express',
      async (model: ReturnType<typeof scriptedModel>) =>
        chatOnExpress(await store(), asking(model.model)).set('env', 'test'),
    ],
    [
      'Koa',
      async (model: ReturnType<typeof scriptedModel>) =>
        chatOnKoa(await store(), asking(model.model)).callback(),
    ],
  ] as const) {
    it(`answers, and shows it again to a page that is loaded anew, on ${name}`, async () => {
      const browser = await browse(await serve(scriptedModel(['Hello.'], ['Well.'])))
      const chat = await browser.open()
      await chat.resumeStream()
      await chat.sendMessage({ text: 'hi' })
      await chat.sendMessage({ text: 'how?' })
      deepEqual(chat.told, ['user: hi', 'assistant: Hello.', 'user: how?', 'assistant: Well.'])
      deepEqual((await browser.open()).told, chat.told)
      await browser.close()
    })

    it(`resumes, and stops, on ${name}`, async () => {
      const never = latch()
      const browser = await browse(await serve(scriptedModel(['Once ', never], ['The end.'])))
      const chat = await browser.open()
      const sent = chat.sendMessage({ text: 'a story' })
      await eventually('it has begun', async () => chat.told[1]?.includes('Once') || undefined)
      const again = await browser.open()
      const resumed = again.resumeStream()
      await eventually('it is seen', async () => again.told[1]?.includes('Once') || undefined)
      equal((await browser.ask(`${browser.api}/c1/stop`, { method: 'POST' })).status, 202)
      await Promise.all([sent, resumed])
      await again.sendMessage({ text: 'and?' })
      deepEqual(tell(await browser.load()), [
        'user: a story',
        'assistant: Once ',
        'user: and?',
        'assistant: The end.',
      ])
      await browser.close()
    })

    it(`answers 400 to what is no request of a chat, on ${name}`, async () => {
      const browser = await browse(await serve(scriptedModel()))
      const headers = { 'content-type': 'application/json' }
      for (const body of ['{}', '{"id":"c1"}', '{"id":"c1","messages":[]}'])
        equal((await browser.ask(browser.api, { method: 'POST', headers, body })).status, 400, body)
      await browser.close()
    })
  }
})
