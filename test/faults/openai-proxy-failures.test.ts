import { deepEqual, doesNotMatch, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'mocha'
import OpenAI from 'openai'
import { type ProxyOptions, proxyApp } from '../../examples/openai-proxy/app.ts'
import { beginning, json } from '../examples/model-api.ts'
import { ask, cacheOf, type Proxied, question, startProxy, tokens } from '../examples/proxied.ts'
import { type Started, startChat } from '../examples/started.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'
import { bothProviders } from '../support/stores.ts'

const streamed = { ...question, stream: true } as const

for (const stores of bothProviders()) {
  describe(`the example: a proxy for OpenAI's API, when the model fails, ${stores.name}`, () => {
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

    /** What the next question finds left, before it takes its own. */
    async function leftBefore(openai: OpenAI): Promise<number> {
      const { text, left } = await ask(openai, { seed: 99 }, { 'cache-control': 'no-store' })
      return Number(left) + JSON.parse(text).usage.total_tokens
    }

    it('hands on what the model says is wrong, keeps none of it and takes nothing for it', async () => {
      const { model, client } = await serve()
      const openai = client()
      const error = { message: 'The engine is overloaded', type: 'server_error', code: null }
      model.next(json(500, { error }))
      await rejects(ask(openai), { status: 500, message: `500 ${error.message}`, ...{ error } })
      model.next(json(400, { error: { ...error, type: 'invalid_request_error' } }))
      await rejects(ask(openai), OpenAI.BadRequestError)
      const answer = await ask(openai)
      deepEqual(cacheOf(answer), ['stored'])
      const used = JSON.parse(answer.text).usage.total_tokens
      equal(await leftBefore(openai), tokens - used)
    })

    it('puts what is no error of the API in its form', async () => {
      const { model, client } = await serve()
      model.next((_req, res) => void res.writeHead(503).end('<h1>Try later</h1>'))
      await rejects(ask(client()), { status: 503, code: 'upstream_error' })
      const away = await serve({ baseUrl: 'http://127.0.0.1:1/v1' })
      await rejects(ask(away.client()), { status: 502, code: 'upstream_error' })
    })

    it('lets the client try again when the model says so', async () => {
      const { model, client } = await serve()
      const error = { message: 'Slow down', type: 'requests', code: 'rate_limit_exceeded' }
      const refuse = json(
        429,
        { error },
        { 'retry-after-ms': '1', 'x-ratelimit-limit-requests': '3' },
      )
      model.next(refuse)
      await rejects(ask(client()), ({ headers }) => {
        const limit = headers.get('x-ratelimit-limit-requests')
        deepEqual([headers.get('retry-after-ms'), limit], ['1', '60'])
        return true
      })
      model.next(refuse)
      deepEqual(cacheOf(await ask(client('sk-ann', 1))), ['stored'])
      equal(model.asked.length, 3)
    })

    it('keeps no stream that the model breaks off, and takes what was said by then', async () => {
      const { model, client } = await serve()
      const openai = client()
      const stream = beginning('Tea ', 'is ')
      model.next(stream.answer)
      const chunks = await openai.chat.completions.create({ ...streamed, max_tokens: 5000 })
      const said: string[] = []
      await rejects(async () => {
        for await (const { choices } of chunks) {
          said.push(choices[0]?.delta.content ?? '')
          if (said.length === 2) (await stream.asked).destroy()
        }
      })
      deepEqual(said, ['Tea ', 'is '])
      const used = tokens - (await leftBefore(openai))
      ok(used > 0 && used < 20, `${used} tokens`)
      deepEqual(cacheOf(await ask(openai, { stream: true, max_tokens: 5000 })), ['stored'])
    })

    it('keeps no stream that ends without its last event', async () => {
      const { model, client } = await serve()
      const stream = beginning('Tea ')
      model.next(stream.answer)
      await Promise.all([ask(client(), { stream: true }), stream.asked.then((res) => res.end())])
      deepEqual(cacheOf(await ask(client(), { stream: true })), ['stored'])
    })

    for (const [how, status] of [
      ['fails', 500],
      ['breaks off', 0],
    ] as const) {
      it(`gives the answer it has where the model ${how}, and takes nothing for it`, async () => {
        const { model, client } = await serve({ ttl: '1ms' })
        const openai = client()
        const first = await ask(openai)
        model.next((_req, res) => void (status ? res.writeHead(status).end() : res.destroy()))
        const again = await ask(openai)
        equal(again.text, first.text)
        equal(model.asked.length, 2)
        equal(await leftBefore(openai), first.left)
      })
    }

    it('stops the model when its reader leaves, keeps nothing, and takes what was said', async () => {
      const { model, client } = await serve()
      const openai = client()
      const stream = beginning('Tea ', 'is ')
      model.next(stream.answer)
      const chunks = await openai.chat.completions.create({ ...streamed, max_tokens: 5000 })
      for await (const { choices } of chunks) if (choices[0]?.delta.content === 'is ') break
      await stream.left
      await eventually('it is settled', async () =>
        (await leftBefore(openai)) > tokens - 5000 ? true : undefined,
      )
      deepEqual(cacheOf(await ask(openai, { stream: true, max_tokens: 5000 })), ['stored'])
    })

    it('stops the model when its reader leaves before it has begun, and takes nothing', async () => {
      const { model, client } = await serve()
      const leaving = new AbortController()
      const left = new Promise<void>((resolve) => {
        model.next((_req, res) => {
          res.once('close', resolve)
          leaving.abort()
        })
      })
      // Two of these are more than there is for a day.
      const long = { ...question, max_tokens: 60_000 }
      const asked = client().chat.completions.create(long, { signal: leaving.signal })
      await rejects(asked, OpenAI.APIUserAbortError)
      await left
      deepEqual(cacheOf(await eventually('all of it is back', () => ask(client(), long))), [
        'stored',
      ])
    })

    it('reads no nonsense, and answers it as the API does', async () => {
      const { model, client } = await serve()
      for (const wrong of [{ model: undefined }, { model: 'a'.repeat(101) }, { messages: 'tea' }])
        await rejects(ask(client(), wrong), OpenAI.BadRequestError)
      await rejects(client().embeddings.create({ model: 'm', input: 'tea' }), {
        ...{ status: 404, code: 'unknown_url' },
      })
      equal(model.asked.length, 0)
    })
  })
}

describe("the example: a proxy for OpenAI's API", () => {
  it('refuses to share with whoever comes', () => {
    const baseUrl = 'http://127.0.0.1:1/v1'
    throws(() => proxyApp({ baseUrl, share: 'public' }), /`keys`/)
    throws(() => proxyApp({ baseUrl, apiKey: 'sk-own' }), /`keys`/)
  })
})

describe("the example: a proxy for OpenAI's API, as somebody starts it", function () {
  this.timeout(30_000)
  let redis: TestServer
  let started: Started
  before(async () => {
    redis = await startRedis()
    started = await startChat('openai-proxy', { REDIS_URL: redis.url })
  })
  after(async () => {
    await started.stop()
    await redis.stop()
  })

  it('is tried out with the client of OpenAI', async () => {
    const env = { PATH: process.env['PATH'] ?? '', PROXY_URL: started.url, PROXY_KEY: 'sk-canary' }
    const args = ['--import', 'tsx', 'examples/openai-proxy/try.ts']
    const child = spawn(process.execPath, args, { cwd: root, env })
    const said = await text(child.stdout)
    deepEqual(said.match(/^(?:whole|stream) {2}memoryware; (?:fwd=miss; stored|hit)/gm), [
      'whole  memoryware; fwd=miss; stored',
      'whole  memoryware; hit',
      'stream  memoryware; fwd=miss; stored',
      'stream  memoryware; hit',
    ])
    equal(new Set(said.match(/chatcmpl-\S+/g)).size, 2)
    match(said, /^\d+ tokens$/m)
  })

  it('writes no API key anywhere', async () => {
    const client = redis.client()
    const keys = await client.keys('*')
    const digest = createHash('sha256').update('sk-canary').digest('base64url')
    ok(keys.some((key) => key.includes(digest)))
    const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)))
    doesNotMatch(keys.join(), /canary/)
    ok(values.every((value) => !value?.includes('canary')))
    doesNotMatch(started.output(), /canary/)
  })
})
