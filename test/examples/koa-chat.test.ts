import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Browser } from 'playwright-core'
import { chromiumPath, openBrowser, openPage } from './browser.ts'
import { type Started, startChat } from './started.ts'

const asHtml = { accept: 'text/html,*/*;q=0.8' }

/** A browser's requests, with its cookie. */
function guest(url: string) {
  let cookie = ''
  async function ask(path: string, options: RequestInit = {}) {
    const headers = { ...asHtml, cookie, ...options.headers }
    const response = await fetch(url + path, { redirect: 'manual', ...options, headers })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return {
    ask,
    say: (text: string, headers: Record<string, string> = {}, fields = {}) =>
      ask('/', { method: 'POST', body: new URLSearchParams({ text, ...fields }), headers }),
    turns: async () =>
      [...(await ask('/')).text.matchAll(/<li class="turn (\w+)">(.*?)<\/li>/gsu)].map(
        ([, role, html = '']) => [role, read(html)],
      ),
  }
}

/** The text that was made into this markup. */
function read(html: string): string {
  return html
    .replace(/<\/?code>/gu, '`')
    .replace(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)))
}

describe('the example: a chat on Koa', function () {
  this.timeout(30_000)
  const question = 'Which Node version do I need?'
  const started: Started[] = []
  let url: string
  let answer: string

  async function start(env: Record<string, string> = {}): Promise<string> {
    const chat = await startChat('koa-chat', env)
    started.push(chat)
    return chat.url
  }

  before(async () => {
    url = await start({ RATE_LIMIT: '1000' })
    answer = await (await fetch(`${url}/answer?q=${encodeURIComponent(question)}`)).text()
    match(answer, /^Node \d/)
  })

  after(() => Promise.all(started.map((chat) => chat.stop())))

  it('shows the conversation again after a reload', async () => {
    const { say, turns } = guest(url)
    const { status, headers } = await say(question)
    deepEqual([status, headers.get('location')], [303, '/'])
    const expected = [
      ['user', question],
      ['assistant', answer],
    ]
    deepEqual(await turns(), expected)
    deepEqual(await turns(), expected)
  })

  it('shows a guest nothing of another', async () => {
    await guest(url).say(question)
    deepEqual(await guest(url).turns(), [])
  })

  it('understands a follow-up by what was asked before', async () => {
    const { say, turns } = guest(url)
    await say('How is a guest known?')
    await say('And what is that?')
    match(String((await turns()).at(-1)), /cookie/)
  })

  it('answers a form that is sent twice once', async () => {
    const { say, turns, ask } = guest(url)
    const { text } = await ask('/')
    const [, id = ''] = /name="id" value="([^"]+)"/u.exec(text) ?? []
    await say(question, {}, { id })
    const again = await say(question, {}, { id })
    deepEqual([again.status, (await turns()).length], [303, 2])
  })

  it('answers 429 above the limit: people see a page that keeps what they wrote', async () => {
    const { say, turns } = guest(await start({ RATE_LIMIT: '1' }))
    equal((await say(question)).status, 303)
    const page = await say('Second <try>')
    deepEqual([page.status, page.headers.get('content-type')], [429, 'text/html; charset=utf-8'])
    match(page.text, /role="alert">Too many messages. Try again in \d+ s\./)
    match(page.text, /value="Second &#60;try&#62;"/)
    const problem = await say('Third', { accept: '*/*' })
    equal(problem.headers.get('content-type'), 'application/problem+json')
    equal(JSON.parse(problem.text).status, 429)
    equal((await turns()).length, 2)
  })

  it('answers everybody alike at GET /answer, from the cache the second time', async () => {
    const path = '/answer?q=How%20is%20a%20guest%20known'
    const first = await guest(url).ask(path)
    equal(first.headers.get('set-cookie'), null)
    equal(first.headers.get('cache-status'), 'memoryware; fwd=miss; stored')
    const second = await guest(url).ask(path)
    match(second.headers.get('cache-status') ?? '', /^memoryware; hit/)
    equal(second.text, first.text)
    equal((await guest(url).ask(path, { method: 'HEAD' })).status, 200)
  })

  it('shows markup as words, and allows no script', async () => {
    const { say, ask } = guest(url)
    await say('<script>alert(1)</script>')
    const { text, headers } = await ask('/')
    ok(text.includes('&#60;script&#62;alert(1)'))
    match(headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'self'/)
    equal(headers.get('cache-control'), 'no-store')
  })

  it('refuses what is no message', async () => {
    const { say } = guest(url)
    equal((await say('  ')).status, 400)
    equal((await say('a'.repeat(2001))).status, 400)
    equal((await say('a'.repeat(20_001))).status, 413)
  })

  describe('with a model', () => {
    const asked: unknown[] = []
    let model: Server
    let withModel: string

    before(async () => {
      model = createServer(async (req, res) => {
        const body = (await json(req)) as { messages: { content: string }[] }
        asked.push([req.url, req.headers.authorization, body])
        if (body.messages.at(-1)?.content === 'Fail') res.statusCode = 500
        res.end('{"choices":[{"message":{"content":"`42`"}}]}')
      })
      model.listen(0, '127.0.0.1')
      await once(model, 'listening')
      const { port } = model.address() as AddressInfo
      withModel = await start({
        OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1/`,
        OPENAI_API_KEY: 'key',
        OPENAI_MODEL: 'small',
      })
    })

    after(() => model.close())

    it('hands it the conversation', async () => {
      const { say, turns } = guest(withModel)
      await say('One')
      await say('Two')
      deepEqual((await turns()).at(-1), ['assistant', '`42`'])
      const messages = [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: '`42`' },
        { role: 'user', content: 'Two' },
      ]
      deepEqual(asked.at(-1), ['/v1/chat/completions', 'Bearer key', { model: 'small', messages }])
    })

    it('says when it fails, and keeps what was written', async () => {
      const { say, turns } = guest(withModel)
      const { status, text } = await say('Fail')
      equal(status, 502)
      match(text, /That did not work/)
      match(text, /value="Fail"/)
      deepEqual(await turns(), [])
    })
  })

  if (chromiumPath === undefined && process.env['CI'] === undefined) return

  describe('its page', () => {
    let browser: Browser
    before(async () => {
      ok(chromiumPath, 'Chromium is not installed: install it, or set CHROMIUM_PATH')
      browser = await openBrowser()
    })
    after(() => browser?.close())

    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      it(`can be used by keyboard at ${viewport.width} px, and shows the end`, async () => {
        const { page, wrong, close } = await openPage(browser, url, { viewport })
        const last = page.locator('.turn').last()
        for (let turn = 1; turn <= 8; turn += 1) {
          // A new page after each turn: what is typed before the field has the focus is lost.
          await page.locator('#text:focus').waitFor()
          await page.keyboard.type(question)
          await page.keyboard.press('Enter')
          await page
            .locator('.turn')
            .nth(2 * turn - 1)
            .waitFor()
        }
        equal(read(await last.innerHTML()), answer)
        const seen = await last.boundingBox()
        ok(seen && seen.y > 0 && seen.y + seen.height < viewport.height)
        equal(await page.evaluate('document.activeElement.id'), 'text')
        equal(await page.evaluate('document.documentElement.scrollWidth'), viewport.width)
        deepEqual(wrong, [])
        await close()
      })
    }
  })
})
