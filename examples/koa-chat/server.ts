import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { defaultStore } from 'memoryware'
import { modelAnswerer, passageAnswerer } from './answers.ts'
import { chatApp } from './app.ts'

const { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: key, PORT = 3000, RATE_LIMIT = 20 } = process.env

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const answerer =
  baseUrl && key
    ? modelAnswerer(baseUrl, key, process.env['OPENAI_MODEL'] ?? 'gpt-4o-mini')
    : passageAnswerer(readme)
const server = chatApp(answerer, Number(RATE_LIMIT)).listen(Number(PORT), 'localhost')
await once(server, 'listening')
process.stdout.write(`Chat on Koa: http://localhost:${(server.address() as AddressInfo).port}\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    server.close().closeAllConnections()
    void defaultStore().close()
  })
