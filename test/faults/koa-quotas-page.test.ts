import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Browser, Locator, Page } from 'playwright-core'
import {
  describeInBrowser,
  focused,
  openBrowser,
  openPage,
  seen,
  type Watched,
} from '../examples/browser.ts'
import { type Started, startChat } from '../examples/started.ts'
import { eventually } from '../support/eventually.ts'

const expected = /^Failed to load resource: the server responded with a status of (?:429|502)/

function describePage(): void {
  let browser: Browser
  let server: Started
  let watched: Watched
  let page: Page

  before(async () => {
    server = await startChat('koa-quotas', { TYPING_MS: '40' })
    browser = await openBrowser()
  })

  after(async () => {
    await browser?.close()
    await server.stop()
  })

  beforeEach(() => open(1280))

  afterEach(async () => {
    const wrong = watched.wrong.filter((words) => !expected.test(words))
    await watched.close()
    deepEqual(wrong, [])
  })

  async function open(width: number): Promise<void> {
    watched = await openPage(browser, server.url, { viewport: { width, height: 844 } })
    page = watched.page
    await page.locator('.rule-used', { hasText: /\d/u }).first().waitFor()
  }

  async function signIn(user: string): Promise<void> {
    await page.getByRole('radio', { name: user }).check()
    await page.click('#reset')
    await shows('requests', 0)
  }

  const used = (rule: string) => page.locator(`[data-rule="${rule}"] .rule-used`)
  const card = (words: string) => page.locator('.request', { hasText: words })

  async function shows(rule: string, value: number): Promise<void> {
    await used(rule)
      .filter({ hasText: new RegExp(`^${value}$`, 'u') })
      .waitFor()
  }

  async function widthOf(bar: Locator): Promise<number> {
    return (await bar.boundingBox())?.width ?? 0
  }

  it('budgets show what is reserved, and what of it was used', async () => {
    await signIn('Ann')
    await page.click('#send')
    for (const rule of ['tokens-minute', 'tokens-day']) await shows(rule, 171)
    await shows('streams', 1)
    ok((await widthOf(page.locator('[data-rule="tokens-minute"] .reserved'))) > 50)
    await card('came back').waitFor()
    const [, tokens] = /171 reserved, (\d+) used/u.exec(await seen(card('came back'))) ?? []
    for (const rule of ['tokens-minute', 'tokens-day']) await shows(rule, Number(tokens))
    await shows('streams', 0)
    equal(await widthOf(page.locator('[data-rule="tokens-minute"] .reserved')), 0)
    equal(await page.textContent('#status'), `Answered: 171 tokens reserved, ${tokens} used`)
  })

  it('the third answer at once is refused, and counts down', async () => {
    await signIn('Cleo')
    await page.click('#ask-long')
    await page.click('#ask-long')
    await shows('streams', 2)
    await page.click('#send')
    const refused = card('Refused by answers at once')
    await refused.waitFor()
    match(await seen(refused), /Cleo\s+429\s+(?:Retry-After: 1 s|May be tried again)/)
    await refused.filter({ hasText: 'May be tried again' }).waitFor()
    await shows('requests', 2)
    await page.click('#stop')
    await shows('streams', 0)
    equal(await card('Stopped').count(), 2)
  })

  it('what a broken model had reserved comes back', async () => {
    await signIn('Ann')
    await page.click('#ask-broken')
    await shows('tokens-minute', 171)
    await card('Failed · 502').waitFor()
    for (const rule of ['requests', 'tokens-minute', 'streams']) await shows(rule, 0)
  })

  it('a long answer leaves debt', async () => {
    await signIn('Ann')
    await page.click('#ask-long')
    await card('more').waitFor({ timeout: 30_000 })
    await page.locator('.in-debt', { hasText: 'tokens of debt' }).waitFor()
    await page.click('#send')
    match(await seen(card('Refused by tokens a minute')), /Retry-After: \d+ s/)
  })

  it('who is refused again and again is shut out, until a reset', async () => {
    await signIn('Ben')
    await page.click('#ask-long')
    await shows('streams', 1)
    await page.click('#ask-ten')
    await card('429 × 10').waitFor()
    await page.click('#ask-ten')
    await card('429 × 20').waitFor()
    match(await seen(page.locator('#alert')), /^Blocked by answers at once for \d+ s/)
    await page.click('#stop')
    await page.click('#reset')
    await page.locator('#alert').waitFor({ state: 'hidden' })
  })

  it('can be used by keyboard alone on a phone, without scrolling sideways', async () => {
    await watched.close()
    await open(390)
    await page.keyboard.press('Tab')
    equal(await focused(page), 'skip')
    await page.keyboard.press('Enter')
    equal(await focused(page), 'question')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('ArrowRight')
    await eventually('another is signed in', async () =>
      /^#\w+\.\w+$/u.test(new URL(page.url()).hash) ? true : undefined,
    )
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await card('Under way').waitFor()
    equal(await page.evaluate('document.documentElement.scrollWidth'), 390)
    await page.keyboard.press('Escape')
    await card('Stopped').waitFor()
    equal(await focused(page), 'question')
  })
}

describeInBrowser('the page of quotas on Koa', describePage)
