import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'mocha'
import OpenAI from 'openai'
import type { ProxyOptions } from '../../examples/openai-proxy/app.ts'
import { beginning, chunkOf, json, pieces } from '../examples/model-api.ts'
import { ask, cacheOf, type Proxied, question, startProxy, tokens } from '../examples/proxied.ts'
import { sseOf } from '../support/sse.ts'
import { bothProviders } from '../support/stores.ts'

const streamed = { ...question, stream: true, stream_options: { include_usage: true } } as const

async function read(chunks: AsyncIterable<OpenAI.ChatCompletionChunk>) {
  let text = ''
  let usage: OpenAI.CompletionUsage | null | undefined
  for await (const chunk of chunks) {
    text += chunk.choices[0]?.delta.content ?? ''
    usage = chunk.usage
  }
  return { text, usage }
}

async function rest(chunks: AsyncIterator<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = ''
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) return text
    text += value.choices[0]?.delta.content ?? ''
  }
}

for (const stores of bothProviders()) {
  describe(`the example: a proxy for OpenAI's API, ${stores.name}`, () => {
    const open: Proxied[] = []
    before(() => stores.start())
    after(() => stores.stop())
    afterEach(async () => {
      await Promise.all(open.splice(0).map((proxied) => proxied.close()))
    })

    async function serve(options: Partial<ProxyOptions> = {}): Promise<Proxied> {
      const proxied = await startProxy(await stores.empty(), options)
      open.push(proxied)
      return proxied
    }

    it('answers as the model does, whole and in pieces', async () => {
      const { model, client } = await serve()
      const openai = client()
      const { choices, usage } = await openai.chat.completions.create(question)
      equal(choices[0]?.message.content, 'Tea is ready.')
      const inPieces = await read(await openai.chat.completions.create(streamed))
      deepEqual(inPieces, { text: 'Tea is ready.', usage })
      deepEqual(model.asked, ['Bearer sk-ann', 'Bearer sk-ann'])
      const { data } = await openai.models.list()
      deepEqual(
        data.map(({ id }) => id),
        ['offline'],
      )
    })

    it('hands on what the model sends as it is', async () => {
      const { model, client } = await serve()
      const sent = [chunkOf('Tea '), chunkOf('is ready.')]
      model.next(pieces(sent, { 'x-request-id': 'req-1' }))
      const { response, text } = await ask(client(), { stream: true })
      equal(text, sseOf(sent))
      equal(response.headers.get('content-type'), 'text/event-stream')
      equal(response.headers.get('x-request-id'), 'req-1')
    })

    for (const [how, more] of [
      ['whole', {}],
      ['in pieces', { stream: true }],
    ] as const) {
      it(`gives the same bytes again without asking the model: ${how}`, async () => {
        const { model, client } = await serve()
        const openai = client()
        const first = await ask(openai, more)
        const again = await ask(openai, { ...more, ...question })
        deepEqual(cacheOf(first, again), ['stored', 'hit'])
        equal(again.text, first.text)
        match(again.text, /chatcmpl-/)
        const type = (answer: typeof first) => answer.response.headers.get('content-type')
        equal(type(again), type(first))
        equal(model.asked.length, 1)
      })
    }

    it('keeps whole answers and streams apart', async () => {
      const openai = (await serve()).client()
      await ask(openai)
      deepEqual(cacheOf(await ask(openai, { stream: true })), ['stored'])
    })

    it('asks the model once for equal questions at once', async () => {
      const { model, client } = await serve()
      const openai = client()
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(openai)))
      equal(new Set(answers.map(({ text }) => text)).size, 1)
      equal(model.asked.length, 1)
    })

    it('lets those who ask the same at once read along', async () => {
      const { model, client } = await serve()
      const stream = beginning('Tea ', 'is ')
      model.next(stream.answer)
      const readers = await Promise.all(
        [1, 2, 3].map(async () => {
          const chunks = await client().chat.completions.create(streamed)
          return chunks[Symbol.asyncIterator]()
        }),
      )
      const first = await Promise.all(readers.map((reader) => reader.next()))
      deepEqual(
        first.map(({ value }) => value.choices[0].delta.content),
        ['Tea ', 'Tea ', 'Tea '],
      )
      ;(await stream.asked).end(sseOf([chunkOf('ready.')]))
      deepEqual(await Promise.all(readers.map(rest)), Array(3).fill('is ready.'))
      equal(model.asked.length, 1)
    })

    it('forgets what a model has said when its operator says so', async () => {
      const { url, client } = await serve({ adminKey: 'sk-op' })
      const forget = async (name: string, key: string) => {
        const headers = { authorization: `Bearer ${key}` }
        return (await fetch(`${url}/cache/${name}`, { method: 'DELETE', headers })).status
      }
      await ask(client())
      deepEqual([await forget('offline', 'sk-ann'), await forget('other', 'sk-op')], [401, 204])
      deepEqual(cacheOf(await ask(client())), ['hit'])
      equal(await forget('offline', 'sk-op'), 204)
      deepEqual(cacheOf(await ask(client())), ['stored'])
    })

    it('does not ask for a hit what the model would cost', async () => {
      const openai = (await serve()).client()
      const { left } = await ask(openai)
      for (let time = 0; time < 3; time += 1) await ask(openai)
      const used = tokens - Number(left)
      equal((await ask(openai, { seed: 1 })).left, tokens - 2 * used)
    })

    it('takes from the budget what the model says it used', async () => {
      const { model, client } = await serve()
      const openai = client()
      const usage = (total_tokens: number) => ({
        usage: { prompt_tokens: 100, completion_tokens: total_tokens - 100, total_tokens },
      })
      model.next(json(200, { id: 'a', ...usage(1234) }))
      equal((await ask(openai)).left, tokens - 1234)
      model.next(pieces([chunkOf('Tea'), { ...chunkOf(''), choices: [], ...usage(567) }]))
      await ask(openai, { stream: true })
      model.next(json(200, { id: 'c', ...usage(200) }))
      equal((await ask(openai, { seed: 1 })).left, tokens - 1234 - 567 - 200)
    })

    it('estimates what a stream used that does not say so', async () => {
      const openai = (await serve()).client()
      await ask(openai, { stream: true })
      const { text, left } = await ask(openai, { seed: 3 })
      equal(left, tokens - 2 * JSON.parse(text).usage.total_tokens)
    })

    it('keeps the answers of each key apart', async () => {
      const { model, client } = await serve()
      const answers = [await ask(client('sk-ann')), await ask(client('sk-ben'))]
      deepEqual(cacheOf(...answers), ['stored', 'stored'])
      deepEqual(model.asked, ['Bearer sk-ann', 'Bearer sk-ben'])
      equal(answers[1]?.left, answers[0]?.left)
    })

    it('shares answers where it is told to, with the keys it knows', async () => {
      const { model, client } = await serve({ share: 'public', keys: ['sk-ann', 'sk-ben'] })
      deepEqual(cacheOf(await ask(client('sk-ann')), await ask(client('sk-ben'))), [
        'stored',
        'hit',
      ])
      await rejects(ask(client('sk-eve')), OpenAI.AuthenticationError)
      equal(model.asked.length, 1)
    })

    it('asks with a key of its own, which nobody is told of', async () => {
      const { model, client } = await serve({ apiKey: 'sk-own', keys: ['sk-ann'] })
      await ask(client('sk-ann'))
      deepEqual(model.asked, ['Bearer sk-own'])
      model.next(json(401, { error: { message: 'Incorrect API key provided: sk-own' } }))
      await rejects(ask(client('sk-ann'), { seed: 1 }), (error) => {
        ok(error instanceof OpenAI.InternalServerError)
        match(error.message, /^502 The model refuses the proxy/)
        return true
      })
    })

    it('does not keep what may be different each time', async () => {
      const { model, client } = await serve()
      const openai = client()
      const warm = [
        await ask(openai, { temperature: 0.7 }),
        await ask(openai, { temperature: 0.7 }),
        await ask(openai, { temperature: undefined }),
      ]
      deepEqual(cacheOf(...warm), ['bypass', 'bypass', 'bypass'])
      const wanted = { 'x-cache': 'on' }
      const warmer = { temperature: 1 }
      deepEqual(cacheOf(await ask(openai, warmer, wanted), await ask(openai, warmer, wanted)), [
        'stored',
        'hit',
      ])
      equal(model.asked.length, 4)
    })

    it('asks anew where the client says so, and keeps that', async () => {
      const { model, client } = await serve()
      const openai = client()
      const first = await ask(openai)
      const anew = await ask(openai, {}, { 'cache-control': 'no-cache' })
      ok(anew.text !== first.text)
      equal((await ask(openai)).text, anew.text)
      equal(model.asked.length, 2)
    })

    it('refuses above the tokens of a day as OpenAI does, and has nobody wait for that', async () => {
      const { model, client } = await serve({ tokensPerDay: 1010 })
      const openai = client('sk-ann', 2)
      await ask(openai, { max_tokens: 1000 })
      await rejects(ask(openai, { max_tokens: 1005 }), (error) => {
        ok(error instanceof OpenAI.RateLimitError)
        deepEqual([error.type, error.code], ['tokens', 'rate_limit_exceeded'])
        equal(error.headers.get('x-ratelimit-limit-tokens'), '1010')
        return true
      })
      // What is there already is given all the same.
      deepEqual(cacheOf(await ask(openai, { max_tokens: 1000 })), ['hit'])
      equal(model.asked.length, 1)
    })

    it('refuses above the requests of a minute, hits too', async () => {
      const openai = (await serve({ requestsPerMinute: 2 })).client()
      await ask(openai)
      const { response } = await ask(openai)
      equal(response.headers.get('x-ratelimit-remaining-requests'), '0')
      await rejects(ask(openai), { status: 429, type: 'requests', code: 'rate_limit_exceeded' })
    })
  })
}
