import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import {
  describeInBrowser,
  focused,
  openBrowser,
  openPage,
  seen,
  type Watched,
} from '../examples/browser.ts'
import { type SlowModel, startSlowModel } from '../examples/slow-model.ts'
import { fixtures, type Started, startDemo } from '../examples/started.ts'

describeInBrowser('the example: turns on its page', () => {
  let model: SlowModel
  let browser: Browser
  let demo: Started
  let watched: Watched
  let page: Page
  let asked = 0

  before(async () => {
    model = await startSlowModel()
    demo = await startDemo({ DOCS_DIR: fixtures('docs'), RATE_LIMIT: '1000', ...model.env })
    browser = await openBrowser()
  })

  after(async () => {
    await browser.close()
    await demo.stop()
    model.stop()
  })

  beforeEach(async () => {
    watched = await openPage(browser, demo.url)
    page = watched.page
  })

  afterEach(async () => {
    await watched.close()
    deepEqual(watched.wrong, [])
  })

  /** Asks what nobody asked before, and waits until the model's first words are seen. */
  async function begin(on = page) {
    asked += 1
    const question = `How do I revoke link ${asked}?`
    await on.fill('#question', question)
    await on.keyboard.press('Enter')
    return { question, saying: await said(on) }
  }

  async function said(on = page) {
    const saying = await model.asked()
    saying.say('One ')
    await on.locator('.turn').last().locator('.text', { hasText: 'One' }).waitFor()
    return saying
  }

  async function whole() {
    const { question, saying } = await begin()
    saying.end('two.')
    await page.locator('.turn').last().locator('.regenerate').waitFor()
    return question
  }

  it('stops an answer by the button that stands where Ask did', async () => {
    const { saying } = await begin()
    ok(!(await page.locator('#send').isVisible()))
    await page.getByRole('button', { name: 'Stop answering' }).click()
    await page.locator('.state').waitFor()
    await saying.left
    equal(await seen(page.locator('.state')), 'Stopped')
    match(await seen(page.locator('.text').first()), /^One/)
    equal(await page.locator('.source').count(), 5)
    deepEqual([await focused(page), await page.textContent('#status')], ['question', 'Stopped'])
    await page.reload()
    equal(await seen(page.locator('.state')), 'Stopped')
    match(await seen(page.locator('.text').first()), /^One/)
  })

  it('stops an answer by Escape', async () => {
    await begin()
    await page.keyboard.press('Escape')
    equal(await seen(page.locator('.state')), 'Stopped')
    ok(await page.locator('#send').isVisible())
  })

  it('goes on with an answer after a reload in the middle of it', async () => {
    const { question, saying } = await begin()
    await page.reload()
    await page.locator('.text', { hasText: 'One' }).waitFor()
    equal(await page.textContent('.asked'), question)
    ok(await page.locator('#stop').isVisible())
    saying.end('two.')
    await page.locator('.regenerate').waitFor()
    equal(await seen(page.locator('.text').first()), 'One two.')
    equal(await page.locator('.source').count(), 5)
    equal(await page.locator('.trace-card').count(), 1)
  })

  it('leaves a chat in the middle of an answer, and has it whole when it comes back', async () => {
    const { saying } = await begin()
    await page.click('#new')
    await page.locator('#welcome').waitFor()
    ok(await page.locator('#send').isVisible())
    await page.locator('.session-when', { hasText: 'Being answered' }).waitFor()
    saying.end('two.')
    await page.locator('.session-when', { hasText: '2 messages' }).waitFor()
    await page.locator('.session-link').click()
    await page.locator('.regenerate').waitFor()
    equal(await seen(page.locator('.text').first()), 'One two.')
  })

  it('asks a question in other words', async () => {
    await whole()
    await page.getByRole('button', { name: 'Edit this question' }).click()
    equal(await focused(page), 'edit-text')
    await page.keyboard.press('Escape')
    equal(await focused(page), 'icon-button edit')
    await page.keyboard.press('Enter')
    const edited = `Other words ${asked} for a link?`
    await page.locator('.edit-text').fill(edited)
    await page.keyboard.press('Enter')
    ;(await said()).end('more.')
    await page.locator('.regenerate').waitFor()
    deepEqual([await page.locator('.turn').count(), await page.textContent('.asked')], [1, edited])
    equal(await seen(page.locator('.text').first()), 'One more.')
    await page.locator('.session-title', { hasText: edited }).waitFor()
    await page.reload()
    equal(await page.textContent('.asked'), edited)
  })

  it('takes back what came after an edited question', async () => {
    const first = await whole()
    await whole()
    await page.locator('.edit').first().click()
    await page.locator('.edit-text').fill(`${first} Really`)
    await page.getByRole('button', { name: 'Ask again' }).click()
    ;(await said()).end('and only.')
    await page.locator('.regenerate').waitFor()
    equal(await page.locator('.turn').count(), 1)
    equal(await page.locator('.trace-card').count(), 1)
    await page.locator('.session-when', { hasText: '2 messages' }).waitFor()
  })

  it('answers the last question anew', async () => {
    const question = await whole()
    await page.locator('.regenerate').click()
    ;(await said()).end('three.')
    await page.locator('.regenerate').waitFor()
    equal(await seen(page.locator('.text').first()), 'One three.')
    match(await seen(page.locator('.trace-card')), /Miss/)
    await page.reload()
    equal(await page.textContent('.asked'), question)
    equal(await seen(page.locator('.text').first()), 'One three.')
  })

  it('renames a chat in the list, by keyboard', async () => {
    await whole()
    const rename = page.getByRole('button', { name: /^Rename/ })
    await rename.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.type('Not this')
    await page.keyboard.press('Escape')
    equal(await page.locator('.session-title', { hasText: 'Not this' }).count(), 0)
    await page.keyboard.press('Enter')
    await page.keyboard.type('Links and how they end')
    await page.keyboard.press('Enter')
    await page.locator('.session-title', { hasText: 'Links and how they end' }).waitFor()
    ok(await rename.evaluate('document.activeElement.dataset.act === "rename"'))
    equal(await page.textContent('#status'), 'Chat renamed')
    equal(await page.textContent('#top-title'), 'Links and how they end')
  })

  it('puts a pinned chat first, until it is unpinned', async () => {
    const first = await whole()
    await page.click('#new')
    const second = await whole()
    const titles = () => page.locator('.session-title').allTextContents()
    deepEqual(await titles(), [second, first])
    await page.getByRole('button', { name: `Pin “${first}”` }).click()
    await page.getByRole('button', { name: `Unpin “${first}”` }).waitFor()
    deepEqual(await titles(), [`Pinned: ${first}`, second])
    await page.reload()
    await page.locator('.session').nth(1).waitFor()
    deepEqual(await titles(), [`Pinned: ${first}`, second])
    await page.getByRole('button', { name: `Unpin “${first}”` }).click()
    await page.getByRole('button', { name: `Pin “${first}”` }).waitFor()
  })

  it('has a second tab wait for its turn, and shows both turns in the end', async () => {
    const { saying } = await begin()
    const tab = await page.context().newPage()
    tab.setDefaultTimeout(10_000)
    await tab.goto(page.url())
    await tab.locator('.text', { hasText: 'One' }).waitFor()
    // It follows the answer already: it asks as soon as that is whole.
    saying.end('two.')
    await tab.locator('.regenerate').waitFor()
    const next = await begin()
    await tab.fill('#question', `And link ${asked} then?`)
    await tab.keyboard.press('Enter')
    await tab.locator('.waiting').waitFor()
    next.saying.end('two.')
    ;(await said(tab)).end('three.')
    await tab.locator('.turn').nth(2).locator('.regenerate').waitFor()
    equal(await seen(tab.locator('.turn').nth(2).locator('.text').first()), 'One three.')
    equal(await tab.locator('.failure').count(), 0)
  })

  it('goes on with an answer when the connection broke', async () => {
    let broken = 0
    await page.route('**/stream', (route) => {
      broken += 1
      return broken === 1 ? route.abort() : route.continue()
    })
    const { saying } = await begin()
    await page.reload()
    await page.locator('.text', { hasText: 'One' }).waitFor()
    saying.end('two.')
    await page.locator('.regenerate').waitFor()
    equal(await seen(page.locator('.text').first()), 'One two.')
    deepEqual(watched.wrong.splice(0), ['Failed to load resource: net::ERR_FAILED'])
  })
})
