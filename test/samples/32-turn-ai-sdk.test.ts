import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  DefaultChatTransport,
  readUIMessageStream,
  simulateReadableStream,
  type UIMessage,
} from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import { it } from 'mocha'
import { uiChat } from '../../examples/samples/32-turn-ai-sdk.ts'
import { listen } from '../support/apps.ts'
import { onEachProvider } from './on-each.ts'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
}

/** A model that says how many messages it was shown. */
function counting() {
  return new MockLanguageModelV3({
    doStream: async ({ prompt }) => ({
      stream: simulateReadableStream({
        chunks: [
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: 't' },
          { type: 'text-delta', id: 't', delta: `Message ${prompt.length}` },
          { type: 'text-end', id: 't' },
          { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
        ],
      }),
    }),
  })
}

onEachProvider('32-turn-ai-sdk', ({ store }) => {
  it('is followed by the transport of useChat, which sends the newest message', async () => {
    const { url, close } = await listen(uiChat(await store(), counting()))
    let cookie = ''
    const transport = new DefaultChatTransport<UIMessage>({
      api: `${url}/chats`,
      prepareSendMessagesRequest: ({ id, messages }) => ({
        body: { id, message: messages.at(-1) },
      }),
      prepareReconnectToStreamRequest: ({ id }) => ({ api: `${url}/chats/${id}/stream?as=ui` }),
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers)
        headers.set('cookie', cookie)
        const response = await fetch(input, { ...init, headers })
        cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
        return response
      },
    })
    async function say(text: string): Promise<UIMessage> {
      const messages: UIMessage[] = [{ id: text, role: 'user', parts: [{ type: 'text', text }] }]
      const trigger = 'submit-message' as const
      const sent = { chatId: 'tea', messageId: undefined, messages, trigger }
      const stream = await transport.sendMessages({ ...sent, abortSignal: undefined })
      let last: UIMessage | undefined
      for await (const message of readUIMessageStream({ stream })) last = message
      ok(last)
      return last
    }
    const texts = (message: UIMessage) =>
      message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
    deepEqual(texts(await say('Hello')), ['Message 1'])
    const second = await say('And?')
    deepEqual(texts(second), ['Message 3'])
    const { items } = (await (
      await fetch(`${url}/chats/tea/messages`, { headers: { cookie } })
    ).json()) as { items: { id: string }[] }
    equal(items.at(-1)?.id, second.id)
    equal(await transport.reconnectToStream({ chatId: 'tea' }), null)
    await close()
  })
})
