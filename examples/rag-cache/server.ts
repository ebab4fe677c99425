import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { defaultStore } from 'memoryware'
import { searchApp } from './app.ts'
import { createLibrary, readPassages } from './library.ts'

const folder = process.env['DOCS_DIR'] ?? fileURLToPath(new URL('../../docs', import.meta.url))
const app = searchApp(createLibrary(await readPassages(folder)), defaultStore())
const server = app.listen(Number(process.env['PORT'] ?? 3000), 'localhost')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
process.stdout.write(`Search: http://localhost:${port}/search?q=What+is+the+deadline\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    server.close().closeAllConnections()
    void defaultStore().close()
  })
