import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defaultStore } from 'memoryware'
import { passageAnswerer } from '../koa-chat/answers.ts'
import { proxyApp } from './app.ts'
import { offlineApi } from './offline.ts'

const { PORT = 3000, OPENAI_BASE_URL, OPENAI_API_KEY, TYPING_MS = 40 } = process.env
const { PROXY_KEYS, PROXY_ADMIN_KEY, CACHE_SHARE, CACHE_TTL, REQUESTS_PER_MINUTE, TOKENS_PER_DAY } =
  process.env

const servers: Server[] = []
const baseUrl = OPENAI_BASE_URL || (await offline())
const app = proxyApp({
  baseUrl,
  apiKey: OPENAI_BASE_URL ? OPENAI_API_KEY || undefined : undefined,
  keys: PROXY_KEYS?.split(','),
  adminKey: PROXY_ADMIN_KEY,
  ...(CACHE_SHARE === 'public' && { share: 'public' }),
  ...(CACHE_TTL && { ttl: CACHE_TTL }),
  ...(REQUESTS_PER_MINUTE && { requestsPerMinute: Number(REQUESTS_PER_MINUTE) }),
  ...(TOKENS_PER_DAY && { tokensPerDay: Number(TOKENS_PER_DAY) }),
})
const url = await serve(app, Number(PORT))
process.stdout.write(
  `OpenAI proxy: ${url}/v1 (model: ${OPENAI_BASE_URL || 'offline'}, store: ${defaultStore().provider})\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    for (const server of servers) server.close().closeAllConnections()
    void defaultStore().close()
  })

/** A model of its own, which needs no network and no key. */
async function offline(): Promise<string> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  return `${await serve(offlineApi(passageAnswerer(readme), Number(TYPING_MS)), 0)}/v1`
}

async function serve(app: { listen(port: number, host: string): Server }, port: number) {
  const server = app.listen(port, 'localhost')
  servers.push(server)
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}`
}
