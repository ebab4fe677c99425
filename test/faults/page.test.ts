import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import {
  ask,
  describeInBrowser,
  focused,
  openBrowser,
  openPage,
  seen,
  type Watched,
} from '../examples/browser.ts'
import { fixtures, type Started, startDemo } from '../examples/started.ts'

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true }

function describePage(): void {
  let browser: Browser
  let demo: Started
  let watched: Watched
  let page: Page
  let atEnd: (() => Promise<unknown>)[]

  async function alsoOpen(url: string, options?: BrowserContextOptions): Promise<Watched> {
    const opened = await openPage(browser, url, options)
    atEnd.push(opened.close)
    return opened
  }

  async function alsoStart(env: Record<string, string>): Promise<Started> {
    const started = await startDemo(env)
    atEnd.push(started.stop)
    return started
  }

  before(async () => {
    demo = await startDemo({ DOCS_DIR: fixtures('docs'), RATE_LIMIT: '1000' })
    browser = await openBrowser()
  })

  after(async () => {
    await browser.close()
    await demo.stop()
  })

  beforeEach(async () => {
    atEnd = []
    watched = await openPage(browser, demo.url)
    page = watched.page
  })

  afterEach(async () => {
    for (const end of [watched.close, ...atEnd]) await end()
    deepEqual(watched.wrong, [])
  })

  it('begins with questions that can be asked by a click', async () => {
    equal(await page.textContent('h1'), 'Ask Larder')
    equal(await page.locator('.suggestion').count(), 4)
    await page.locator('.suggestion').first().click()
    await page.locator('.meta').waitFor()
    equal(await focused(page), 'question')
  })

  it('holds a conversation with a follow-up, and shows what each middleware did', async () => {
    await ask(page, 'Does Larder draw thumbnails?')
    await ask(page, 'How do I turn it off?')
    match(
      (await page.locator('.turn').last().locator('pre').first().textContent()) ?? '',
      /"thumbnails": false/,
    )
    const card = page.locator('.trace-card').first()
    match(await seen(card), /2 earlier messages read\. 1 turn needed/)
    match(await seen(card), /Miss/)
    match(await seen(card), /\d+ of 1000 left/)
    await ask(page, 'How do I turn it off?')
    match(await seen(page.locator('.trace-card').first()), /Hit/)
  })

  it('opens the source where it is cited', async () => {
    await ask(page, 'How do I revoke a link?')
    await page.locator('.cite').first().click()
    match(await seen(page.locator('.source[open]')), /guide\/links\.md[\s\S]*larder revoke <link>/)
  })

  it('has the chat again after a reload', async () => {
    await ask(page, 'Where are thumbnails kept?')
    const text = await seen(page.locator('.answer'))
    await page.reload()
    await page.locator('.meta').waitFor()
    equal(await seen(page.locator('.answer')), text)
    equal(await page.locator('.trace-card').count(), 1)
  })

  it('begins a new chat, goes back to the first, and deletes it', async () => {
    await ask(page, 'Where are thumbnails kept?')
    await page.click('#new')
    await page.locator('#welcome').waitFor()
    await ask(page, 'How do I revoke a link?')
    await page.locator('.session').nth(1).waitFor()
    await page.locator('.session-link', { hasText: 'thumbnails' }).click()
    await page.locator('.asked', { hasText: 'thumbnails' }).waitFor()
    await page.getByRole('button', { name: 'Delete “Where are thumbnails kept?”' }).click()
    match(await seen(page.locator('#confirm')), /its 2 messages go for good/)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.locator('#welcome').waitFor()
    await page.locator('.session').nth(1).waitFor({ state: 'detached' })
    equal(await page.locator('.session').count(), 1)
  })

  it('keeps a chat whose deletion was not confirmed', async () => {
    await ask(page, 'Where are thumbnails kept?')
    await page.getByRole('button', { name: 'Delete “Where' }).click()
    await page.keyboard.press('Escape')
    await page.locator('#confirm').waitFor({ state: 'hidden' })
    equal(await page.locator('.session').count(), 1)
  })

  it('can be used by keyboard alone', async () => {
    await page.keyboard.press('Tab')
    equal(await focused(page), 'skip')
    await page.keyboard.press('Enter')
    await page.waitForFunction("document.activeElement.id === 'question'")
    await page.keyboard.type('How do I create a share link?')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.press('Enter')
    await page.locator('.meta').waitFor()
    equal(await focused(page), 'question')
    await page.keyboard.press('Shift+Tab')
    equal(await focused(page), 'regenerate')
    await page.keyboard.press('Shift+Tab')
    equal(await focused(page), 'meta')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    equal(await page.locator('.source[open]').count(), 1)
    await page.locator('#new').focus()
    await page.keyboard.press('Enter')
    await page.locator('#welcome').waitFor()
    equal(await focused(page), 'question')
  })

  it('announces an answer when it is whole', async () => {
    await ask(page, 'How do I revoke a link?')
    const answer = page.locator('.answer')
    deepEqual(
      [await answer.getAttribute('aria-live'), await answer.getAttribute('aria-busy')],
      ['polite', 'false'],
    )
    equal(await page.textContent('#status'), 'Answered')
  })

  it('fits a phone, with chats and trace in drawers', async () => {
    const small = await alsoOpen(demo.url, phone)
    await ask(small.page, 'What are the default settings?')
    ok(await small.page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
    for (const name of ['sessions', 'trace']) {
      ok(!(await small.page.locator(`#${name}`).isVisible()))
      await small.page.click(`[data-drawer="${name}"]`)
      await small.page.locator(`#${name}`).waitFor()
      equal(await focused(small.page), name)
      await small.page.keyboard.press('Escape')
      await small.page.locator(`#${name}`).waitFor({ state: 'hidden' })
      equal(await small.page.evaluate('document.activeElement.dataset.drawer'), name)
    }
    await small.page.click('.meta')
    await small.page.locator('#trace').waitFor()
    deepEqual(small.wrong, [])
  })

  it('says in words that the server is away, and asks again when it is back', async () => {
    await page.route('**/messages', (route) => route.abort())
    await page.fill('#question', 'How do I revoke a link?')
    await page.keyboard.press('Enter')
    match(await seen(page.locator('.failure')), /cannot be reached/)
    await page.unroute('**/messages')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.meta').waitFor()
    equal(await page.locator('.failure').count(), 0)
    // The browser itself notes a request that failed.
    deepEqual(watched.wrong.splice(0), ['Failed to load resource: net::ERR_FAILED'])
  })

  it('says in words that the store is away', async () => {
    await page.route('**/messages', (route) =>
      route.fulfill({ status: 503, headers: { 'retry-after': '1' }, body: '' }),
    )
    await page.fill('#question', 'How do I revoke a link?')
    await page.keyboard.press('Enter')
    match(await seen(page.locator('.failure')), /The store cannot be reached/)
    match(watched.wrong.splice(0).join(), /503/)
  })

  it('shows the limit when it is reached, and when to ask again', async () => {
    const strict = await alsoStart({ DOCS_DIR: fixtures('docs'), RATE_LIMIT: '1' })
    const refused = await alsoOpen(strict.url)
    await ask(refused.page, 'What are thumbnails?')
    await refused.page.fill('#question', 'Where are they kept?')
    await refused.page.keyboard.press('Enter')
    await refused.page.locator('.failure').waitFor()
    match(
      await seen(refused.page.locator('.failure')),
      /limit allows[\s\S]*Try again in \d+ (s|min)/,
    )
    match(await seen(refused.page.locator('.trace-card').first()), /429/)
    match(await seen(refused.page.locator('#budget')), /^0 of 1 left/)
    match(refused.wrong.splice(0).join(), /429/)
  })

  it('shows hostile documents as words: no markup, no script, no unsafe link', async () => {
    const hostile = await alsoStart({ DOCS_DIR: fixtures('hostile') })
    const opened = await alsoOpen(hostile.url)
    await ask(opened.page, 'Show me the traps and links')
    await ask(opened.page, 'Show me the markup code')
    const text = (await opened.page.locator('#turns').textContent()) ?? ''
    for (const word of ['trap', "<script>document.title='owned'</script>", '<img src=x onerror='])
      ok(text.includes(word), word)
    equal(await opened.page.locator('#turns').locator('img, script').count(), 0)
    const targets = await opened.page
      .locator('.text a:not(.cite)')
      .evaluateAll((links) => links.map((each) => each.getAttribute('href')))
    deepEqual([...new Set(targets)], ['https://example.test/page'])
    ok(!(await opened.page.title()).includes('owned'))
    deepEqual(opened.wrong, [])
  })
}

describeInBrowser('the example: its page', describePage)
