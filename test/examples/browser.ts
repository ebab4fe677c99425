import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

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
