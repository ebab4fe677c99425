import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startRedis } from '../support/redis.ts'
import { fixtures, type Started, startDemo } from './started.ts'
import { Visitor } from './visitor.ts'

const wholeAnswer = ['start', 'data-sources', 'data-cited', 'data-trace'].concat([
  'text-start',
  'delta',
  'text-end',
  'done',
])

describe('the example: a chat over documents', function () {
  this.timeout(30_000)
  let demo: Started
  let visitor: Visitor

  before(async () => {
    demo = await startDemo({ DOCS_DIR: fixtures('docs'), RATE_LIMIT: '1000' })
  })

  after(() => demo.stop())

  beforeEach(() => {
    visitor = new Visitor(demo.url)
  })

  it('prints its address, its documents, its store and what answers', () => {
    match(demo.output(), /Chat with Larder: http:\/\/localhost:\d+\n/)
    match(demo.output(), /documents {2}10 files, \d+ passages\n/)
    match(demo.output(), /store {6}embedded/)
    match(demo.output(), /answers {4}extractive/)
  })

  it('streams sources, the trace, the answer and an end, in this order', async () => {
    const { status, events, text, sources } = await visitor.ask('a', 'How do I revoke a link?')
    equal(status, 200)
    deepEqual(events, wholeAnswer)
    match(text, /larder revoke <link>/)
    equal(sources[0]?.file, 'guide/links.md')
  })

  it('understands a follow-up through the turn before', async () => {
    await visitor.ask('a', 'Does Larder draw thumbnails?')
    const { text, trace } = await visitor.ask('a', 'How do I turn it off?')
    match(text, /"thumbnails": false/)
    deepEqual([trace.memory.messages, trace.memory.turnsUsed], [2, 1])
    match(trace.memory.standalone, /^How do I turn it off\? — about: .*thumbnails/)
  })

  it('answers the same question from the cache, whoever asks', async () => {
    const first = await visitor.ask('a', 'What does the audit log hold?')
    const second = await new Visitor(demo.url).ask('b', 'what does  the audit log hold')
    deepEqual([first.trace.cache.status, second.trace.cache.status], ['miss', 'hit'])
    equal(second.text, first.text)
    deepEqual(second.sources, first.sources)
  })

  it('keeps question and answer, and lists the chat by its first question', async () => {
    const { text, end } = await visitor.ask('a', 'Where are thumbnails kept?', 'q1')
    const messages = await visitor.messages('a')
    deepEqual(
      messages.map(({ id, role, text }) => [id, role, text]),
      [
        ['q1', 'user', 'Where are thumbnails kept?'],
        [end.message, 'assistant', text],
      ],
    )
    const [chat] = await visitor.chats()
    deepEqual([chat?.id, chat?.title, chat?.messages], ['a', 'Where are thumbnails kept?', 2])
  })

  it('gives a repeated message the reply it had, once', async () => {
    const first = await visitor.ask('a', 'Where are thumbnails kept?', 'q1')
    const again = await visitor.ask('a', 'Where are thumbnails kept?', 'q1')
    equal(again.text, first.text)
    deepEqual(again.trace, first.trace)
    equal((await visitor.messages('a')).length, 2)
  })

  it('shows nobody the chats of another', async () => {
    await visitor.ask('a', 'Where are thumbnails kept?')
    const other = new Visitor(demo.url)
    deepEqual([await other.chats(), await other.messages('a')], [[], []])
    equal((await other.resume('a')).status, 404)
    equal(await other.change('a', 'POST', '/stop'), 404)
  })

  it('forgets a chat that is deleted', async () => {
    await visitor.ask('a', 'Where are thumbnails kept?')
    equal((await visitor.fetch('/chats/a', { method: 'DELETE' })).status, 204)
    deepEqual([await visitor.chats(), await visitor.messages('a')], [[], []])
  })

  it('refuses an empty, a huge and a shapeless message with a problem, and keeps none', async () => {
    for (const text of ['', '   ', 'x'.repeat(2001), 7, undefined]) {
      const { status, headers, text: body } = await visitor.ask('a', text)
      equal(status, 400)
      match(headers.get('content-type') ?? '', /^application\/problem\+json/)
      ok(JSON.parse(body).detail)
    }
    equal((await visitor.ask('a', 'a question', 'no id: this')).status, 400)
    equal((await visitor.post('a', {}, { body: '{"text":' })).status, 400)
    equal((await visitor.post('a', { text: 'x'.repeat(50_000) })).status, 413)
    deepEqual(await visitor.messages('a'), [])
  })

  it('keeps the reply for a client that left in the middle', async () => {
    await visitor.chats()
    const leaving = new AbortController()
    const question = { id: 'gone', text: 'How do I create a share link?' }
    const response = await visitor.post('a', question, { signal: leaving.signal })
    await response.body?.getReader().read()
    leaving.abort()
    for (let tries = 0; tries < 50 && (await visitor.messages('a')).length < 2; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
    const [, reply] = await visitor.messages('a')
    equal(reply?.role, 'assistant')
    match(reply?.text ?? '', /larder link report\.pdf/)
  })

  it('gives the same answer at GET /answer, the second time out of the cache', async () => {
    const { text } = await visitor.ask('a', 'How do I revoke a link?')
    const path = `/answer?q=${encodeURIComponent('How do I revoke a link?')}`
    const first = await fetch(demo.url + path)
    const second = await visitor.fetch(path)
    equal(((await first.json()) as { answer: string }).answer, text)
    equal(((await second.json()) as { answer: string }).answer, text)
    match(second.headers.get('cache-status') ?? '', /hit/)
    equal((await fetch(`${demo.url}/answer`)).status, 400)
  })

  it('answers GET /cached once for twenty at once, and says why it bypasses others', async () => {
    const url = `${demo.url}/cached?q=${encodeURIComponent('How do I revoke a link?')}`
    const asked = await Promise.all(Array.from({ length: 20 }, () => fetch(url)))
    const runs = await Promise.all(asked.map((each) => each.json() as Promise<{ run: number }>))
    equal(new Set(runs.map(({ run }) => run)).size, 1)
    const said = async (init?: RequestInit) =>
      (await fetch(url, init)).headers.get('cache-status') ?? ''
    deepEqual(
      await Promise.all([
        said({ headers: { 'cache-control': 'no-store' } }),
        said({ headers: { authorization: 'Bearer somebody' } }),
      ]),
      ['memoryware; fwd=bypass; detail=no-store', 'memoryware; fwd=bypass; detail=authorization'],
    )
    match(await said(), /^memoryware; hit; ttl=/)
    equal((await fetch(`${demo.url}/cached`, { method: 'DELETE' })).status, 204)
    equal(await said(), 'memoryware; fwd=miss; stored')
    equal((await fetch(`${demo.url}/cached`)).status, 400)
  })

  it('serves its page under a policy that lets nothing else in', async () => {
    const page = await fetch(demo.url)
    const policy = page.headers.get('content-security-policy') ?? ''
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
      ok(policy.includes(rule), rule)
    ok(!policy.includes('unsafe'))
    ok(!/\sstyle=|\son\w+=|https?:/u.test(await page.text()))
    equal((await fetch(`${demo.url}/nowhere`)).status, 404)
    equal((await fetch(`${demo.url}/..%2fserver.ts`)).status >= 400, true)
  })
})

describe('the example: how it starts', function () {
  this.timeout(30_000)
  it('answers 429 above RATE_LIMIT, and counts no message that it refuses', async () => {
    const demo = await startDemo({ DOCS_DIR: fixtures('docs'), RATE_LIMIT: '2' })
    try {
      const visitor = new Visitor(demo.url)
      await visitor.ask('a', '')
      const first = await visitor.ask('a', 'What are thumbnails?')
      equal(first.trace.limit.remaining, 1)
      await visitor.ask('a', 'What are thumbnails?')
      const third = await visitor.ask('a', 'What are thumbnails?')
      equal(third.status, 429)
      ok(Number(third.headers.get('retry-after')) >= 1)
      equal((await visitor.messages('a')).length, 4)
    } finally {
      await demo.stop()
    }
  })

  it('takes the next port where PORT is taken', async () => {
    const taken = createServer().listen(0, 'localhost')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const demo = await startDemo({ DOCS_DIR: fixtures('docs'), PORT: String(port) })
    try {
      ok(Number(new URL(demo.url).port) > port)
      equal((await fetch(demo.url)).status, 200)
    } finally {
      await demo.stop()
      taken.close()
    }
  })

  it('ends in order on SIGTERM', async () => {
    const demo = await startDemo({ DOCS_DIR: fixtures('docs') })
    equal(await demo.stop(), 0)
  })

  it('says what is wrong with a folder without documents', async () => {
    const started = startDemo({ DOCS_DIR: fixtures('docs/.hidden/none') })
    await started.then(
      () => ok(false),
      (error: Error) => match(error.message, /No \.md, \.markdown, \.txt or \.html document in/),
    )
  })

  it('reads this repository without DOCS_DIR', async () => {
    const demo = await startDemo()
    try {
      const about = (await (await fetch(`${demo.url}/about`)).json()) as {
        title: string
        suggestions: string[]
      }
      equal(about.title, 'memoryware')
      equal(about.suggestions.length, 4)
    } finally {
      await demo.stop()
    }
  })

  it('keeps chats in Redis over a restart', async () => {
    const redis = await startRedis()
    try {
      const env = { DOCS_DIR: fixtures('docs'), REDIS_URL: redis.url }
      const first = await startDemo(env)
      match(first.output(), /store {6}redis/)
      const visitor = new Visitor(first.url)
      await visitor.ask('a', 'Does Larder draw thumbnails?')
      await first.stop()
      const second = await startDemo({ ...env, PORT: new URL(first.url).port })
      const { trace } = await visitor.ask('a', 'How do I turn it off?')
      deepEqual([trace.memory.messages, trace.memory.turnsUsed], [2, 1])
      await second.stop()
    } finally {
      await redis.stop()
    }
  })
})
