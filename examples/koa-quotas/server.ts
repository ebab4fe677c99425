import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { defaultStore } from 'memoryware'
import { passageAnswerer } from '../koa-chat/answers.ts'
import { quotasApp } from './app.ts'
import { countDecisions } from './counts.ts'
import { offlineModel } from './model.ts'

const { PORT = 3000, TYPING_MS = 60 } = process.env

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const model = offlineModel(passageAnswerer(readme), Number(TYPING_MS))
const end = new AbortController()
const app = quotasApp(model, countDecisions(end.signal))
const server = app.listen(Number(PORT), 'localhost')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
process.stdout.write(
  `Quotas on Koa: http://localhost:${port} (store: ${defaultStore().provider})\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    end.abort()
    server.close().closeAllConnections()
    void defaultStore().close()
  })
