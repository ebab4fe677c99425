import { once, setMaxListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultStore } from 'memoryware'
import { type Answerer, extractiveAnswerer } from './answer.ts'
import { demoApp } from './app.ts'
import { ownDocuments, passagesOf, readDocuments } from './corpus.ts'
import { createLibrary, type Library } from './library.ts'
import { modelAnswerer } from './model.ts'

const { env } = process
const triedPorts = 20
const longestGoodbyeMs = 1000

await start()

async function start(): Promise<void> {
  const folder = env['DOCS_DIR']
  const repository = fileURLToPath(new URL('../..', import.meta.url))
  const documents = folder
    ? await readDocuments(resolve(folder))
    : await readDocuments(repository, ownDocuments)
  const library = createLibrary(passagesOf(documents))
  if (library.passages.length === 0)
    return fail(`No .md, .markdown, .txt or .html document in ${folder ?? repository}`)
  const answerer = chooseAnswerer(library)
  const limit = wholeNumber('RATE_LIMIT', 20)
  const title = titleOf(library) ?? basename(resolve(folder ?? repository))
  const typingMs = wholeNumber('TYPING_MS', 25)
  const lifeSeconds = wholeNumber('CACHE_SECONDS', 10, 1)
  const end = new AbortController()
  // Every turn under way listens to it.
  setMaxListeners(0, end.signal)
  const parts = { library, answerer, limit, title, typingMs, lifeSeconds, closing: end.signal }
  const server = createServer(demoApp(parts))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop(server, end))
  const host = env['HOST'] ?? 'localhost'
  const port = await listen(server, wholeNumber('PORT', 3000), host)
  process.stdout.write(
    [
      `Chat with ${title}: http://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${port}`,
      `  documents  ${documents.length} files, ${library.passages.length} passages`,
      `  store      ${storeWords()}`,
      `  answers    ${answerer.name}`,
      `  limit      ${limit} questions a minute`,
      '',
    ].join('\n'),
  )
}

function titleOf({ passages }: Library): string | undefined {
  return passages.find(({ file }) => /^readme\.[a-z]+$/iu.test(file))?.title
}

function chooseAnswerer(library: Library): Answerer {
  const {
    OPENAI_BASE_URL: baseUrl,
    OPENAI_API_KEY: apiKey,
    OPENAI_MODEL: model = 'gpt-4o-mini',
  } = env
  return baseUrl && apiKey
    ? modelAnswerer(library, { baseUrl, apiKey, model })
    : extractiveAnswerer(library)
}

function storeWords(): string {
  const { provider } = defaultStore()
  return provider === 'embedded'
    ? 'embedded: in this process, lost when it exits (set REDIS_URL for Redis)'
    : `${provider}: chats, limits and answers outlive this process`
}

/** Takes the port, or the next one that is free. */
async function listen(server: Server, port: number, host: string): Promise<number> {
  for (let tried = 0; ; tried++) {
    try {
      server.listen(port === 0 ? 0 : port + tried, host)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    } catch (error) {
      const taken = (error as { code?: unknown }).code === 'EADDRINUSE'
      if (!taken || tried >= triedPorts) throw error
    }
  }
}

/** Answers that are being given end first, and are kept as far as they have come. */
async function stop(server: Server, end: AbortController): Promise<void> {
  end.abort()
  server.close()
  server.closeIdleConnections()
  const impatience = setTimeout(() => server.closeAllConnections(), longestGoodbyeMs)
  await once(server, 'close')
  clearTimeout(impatience)
  await defaultStore().close()
}

function wholeNumber(name: string, absent: number, least = 0): number {
  const text = env[name]
  if (text === undefined || text === '') return absent
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  return fail(`${name} must be a whole number from ${least} on, got ${JSON.stringify(text)}`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
