import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import {
  describeInBrowser,
  focused,
  openBrowser,
  openPage,
  seen,
  type Watched,
} from '../examples/browser.ts'
import { fixtures, type Started, startDemo } from '../examples/started.ts'

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true }

describeInBrowser('the example: its page shows what the cache does', () => {
  let browser: Browser
  let demo: Started
  let watched: Watched
  let page: Page
  let questions = 0

  before(async () => {
    demo = await startDemo({ DOCS_DIR: fixtures('docs'), CACHE_SECONDS: '3' })
    browser = await openBrowser()
  })

  after(async () => {
    await browser.close()
    await demo.stop()
  })

  afterEach(async () => {
    await watched.close()
    deepEqual(watched.wrong, [])
  })

  /** Opens it with a question that nobody has asked. */
  async function watch(options?: BrowserContextOptions) {
    watched = await openPage(browser, demo.url, options)
    page = watched.page
    await page.getByRole('button', { name: 'Watch the cache: hit, miss, stale' }).click()
    questions += 1
    await page.fill('#cached-question', `How do I revoke link ${questions}?`)
  }

  /** Presses a button, and waits for what is listed of it. */
  async function press(name: string, lines = 1) {
    const listed = page.locator('#cache-list > li')
    const before = await listed.count()
    await page.locator('#cache-panel').getByRole('button', { name, exact: true }).click()
    await listed.nth(before + lines - 1).waitFor()
    return about(0)
  }

  /** What is listed of a request, the newest first. */
  async function about(index: number) {
    const card = page.locator('#cache-list > li').nth(index)
    const words = await seen(card)
    const status = await card.getAttribute('data-status')
    return { status, words, run: Number(/run (\d+)$/u.exec(words)?.[1]) }
  }

  /** Asks until the cache says so. */
  async function askUntil(wanted: string) {
    for (;;) {
      const asked = await press('Ask')
      if (asked.status === wanted) return asked
      // The limit of this endpoint is for people.
      await page.waitForTimeout(300)
    }
  }

  it('shows a miss, a hit, a stale answer, and the new one that was made behind it', async () => {
    await watch()
    const miss = await press('Ask')
    match(miss.words, /^Miss[\s\S]*Nothing was stored[\s\S]*fwd=miss; stored[\s\S]*ran: run \d+$/)
    const hit = await press('Ask')
    match(hit.words, /^Hit[\s\S]*fresh for another[\s\S]*memoryware; hit; ttl=[\s\S]*Age\n\d+ s/)
    match(hit.words, /did not run; this is of run \d+$/)
    const stale = await askUntil('stale')
    match(
      stale.words,
      /^Stale[\s\S]*Past its life by \d+ s[\s\S]*hit; ttl=-\d+; detail=revalidating/,
    )
    match(stale.words, /runs behind it; this is of run \d+$/)
    deepEqual([hit.run, stale.run], [miss.run, miss.run])
    notEqual((await askUntil('hit')).run, miss.run)
  })

  it('shows how many of twenty were collapsed into one run of the handler', async () => {
    await watch()
    // Purged, missed, collapsed, and hit by those that the browser held back.
    await press('Ask 20 at once', 4)
    const kinds = await Promise.all([0, 1, 2].map(about))
    deepEqual(
      kinds.map(({ status }) => status),
      ['hit', 'collapsed', 'miss'],
    )
    equal(new Set(kinds.map(({ run }) => run)).size, 1)
    match(kinds[1]?.words ?? '', /^Collapsed\n× 5[\s\S]*this one waited[\s\S]*fwd=miss; collapsed/)
    match(await seen(page.locator('#cache-said')), /: 1 miss, 5 collapsed, 14 hit\./)
  })

  it('shows why a request bypassed the cache', async () => {
    await watch()
    await press('Ask')
    const unstored = await press('Ask with no-store')
    match(
      unstored.words,
      /^Bypass[\s\S]*The request says no-store[\s\S]*fwd=bypass; detail=no-store/,
    )
    const signed = await press('Ask signed in')
    match(signed.words, /^Bypass[\s\S]*carries Authorization[\s\S]*detail=authorization/)
    deepEqual([unstored.run + 1, /ran: run \d+$/u.test(signed.words)], [signed.run, true])
  })

  it('misses again after a purge', async () => {
    await watch()
    await press('Ask')
    match((await press('Purge by tag')).words, /^Purged by tag/)
    equal((await press('Ask')).status, 'miss')
  })

  it('says in words that the limit refused a request', async () => {
    await watch()
    await page.route('**/cached?*', (route) =>
      route.fulfill({ status: 429, headers: { 'retry-after': '7' }, body: '' }),
    )
    match((await press('Ask')).words, /rateLimit\(\) refused it: more in 7 s/)
    match(watched.wrong.splice(0).join(), /429/)
  })

  it('can be used by keyboard alone, and gives the focus back', async () => {
    await watch()
    await page.locator('#cached-question').press('Enter')
    await page.locator('[data-status="miss"]').waitFor()
    equal(await focused(page), 'cached-question')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.locator('#cache-list > li').nth(1).waitFor()
    match(await seen(page.locator('#cache-said')), /^(Hit|Stale)\. /)
    await page.keyboard.press('Escape')
    await page.locator('#cache-panel').waitFor({ state: 'hidden' })
    match(await focused(page), /cache-open/)
  })

  it('fits a phone, in the dark too', async () => {
    await watch({ ...phone, colorScheme: 'dark' })
    await press('Ask 20 at once', 3)
    ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
    ok(
      await page
        .locator('.cache-body')
        .evaluate((body) => body.scrollWidth <= body.clientWidth && body.clientWidth === 390),
    )
  })
})
