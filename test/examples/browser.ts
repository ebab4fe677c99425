import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Where Chromium is installed: `CHROMIUM_PATH`, else a usual place. */
export const chromiumPath = [process.env['CHROMIUM_PATH'] ?? '', ...places].find(existsSync)

/** Starts the browser, with nothing in it that calls home. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

/** A page and what went wrong in it. */
export interface Watched {
  readonly page: Page
  /** Errors and warnings of the console, exceptions, and requests off this host. */
  readonly wrong: string[]
  close(): Promise<void>
}

/** Opens a page that notes what it should not do. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const wrong: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(message.text())
  })
  page.on('pageerror', (error) => wrong.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) wrong.push(request.url())
  })
  await page.goto(url)
  await page.locator('#welcome:visible, .turn').first().waitFor()
  return { page, wrong, close: () => context.close() }
}

/** Asks, and waits for the whole answer. */
export async function ask(page: Page, question: string): Promise<void> {
  const turns = await page.locator('.turn').count()
  await page.fill('#question', question)
  await page.keyboard.press('Enter')
  await page.locator('.turn').nth(turns).locator('.meta').waitFor()
}

/** The id or class of what has the focus. */
export function focused(page: Page): Promise<string> {
  return page.evaluate('document.activeElement.id || document.activeElement.className')
}

/** What a reader sees of it. */
export function seen(locator: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: hidden text must not count here.
  return locator.innerText()
}

/** Tests of the page: left out where no browser is, but for CI. */
export function describeInBrowser(name: string, tests: () => void): void {
  describe(name, function () {
    this.timeout(30_000)
    if (chromiumPath !== undefined) tests()
    else if (process.env['CI'])
      it('has a browser', () => {
        throw new Error('Chromium is not installed: install it, or set CHROMIUM_PATH')
      })
    else process.stderr.write('Tests of the page are left out: no Chromium (set CHROMIUM_PATH)\n')
  })
}
