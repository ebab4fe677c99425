// HTTP cache conformance, where the cases are at hand: node --import tsx .ci/conformance.mts FOLDER
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import express, { type Request, type Response } from 'express'
import { createStore } from '../lib/index.ts'
import { cacheResponse } from '../middleware/express.ts'

// What revalidation, stale answers and invalidation are needed for is still to come. Fewer than
// these is a step back.
const floor = { required: 102, optimal: 68, check: 29 }

const folder = resolve(process.argv[2] ?? '')
const { startOrigin, runAll, classify, tally } = await import(
  pathToFileURL(join(folder, 'replay.mjs')).href
)
const suites = JSON.parse(await readFile(join(folder, 'cache-tests.json'), 'utf8'))
const origin = await startOrigin()
const { port } = origin.address() as AddressInfo

const app = express()
app.disable('etag').disable('x-powered-by')
app.use(cacheResponse({ store: createStore({ provider: 'embedded' }) }))
app.use(forward)
const server = createServer(app).listen(0, '127.0.0.1')
await once(server, 'listening')
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const results = tally(classify(suites, await runAll(suites, base))) as Record<
  keyof typeof floor,
  { pass?: number }
>
const fallen = Object.entries(floor).filter(
  ([kind, least]) => (results[kind as keyof typeof floor]?.pass ?? 0) < least,
)
console.log(JSON.stringify(results))
for (const [kind, least] of fallen) console.log(`fewer than ${least} ${kind} cases pass`)
process.exit(fallen.length === 0 ? 0 : 1)

/** A proxy without a cache of its own; what it hands on, the cache in front may store. */
function forward(req: Request, res: Response): void {
  const { method, originalUrl: path } = req
  const upstream = request({ host: '127.0.0.1', port, method, path, headers: req.headers })
  upstream.on('information', (info) => {
    if (info.statusCode === 103) res.writeEarlyHints(info.headers as never)
    else if (info.statusCode === 102) res.writeProcessing()
  })
  let answer: IncomingMessage | undefined
  upstream.on('response', (from) => {
    answer = from
    copyHead(from, res)
    from.on('error', () => res.destroy())
    from.pipe(res)
  })
  upstream.on('error', () => {
    // Bytes beyond a whole message are no business of ours.
    if (answer?.complete || res.writableEnded) return
    if (answer || res.headersSent) return void res.destroy()
    res.statusCode = 502
    res.end()
  })
  req.pipe(upstream)
}

/** All fields but those of one connection. */
function copyHead(from: IncomingMessage, res: Response): void {
  res.statusCode = from.statusCode ?? 502
  res.statusMessage = from.statusMessage ?? ''
  const listed = String(from.headers.connection ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
  const hop = new Set(['connection', 'keep-alive', 'transfer-encoding', ...listed])
  for (const [name, values] of Object.entries(from.headersDistinct)) {
    if (values && !hop.has(name))
      res.setHeader(name, values.length === 1 ? String(values[0]) : values)
  }
}
