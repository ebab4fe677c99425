import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { createStore } from '../../lib/index.ts'
import { cacheResponse } from '../../middleware/express.ts'

/** What a flood of different URLs left behind. */
export interface FloodResult {
  /** By which this process, and its heap with its buffers, have grown. */
  readonly rssBytes: number
  readonly heldBytes: number
  /** Keys that the store has. */
  readonly keys: number
}

const [, , count = '', capBytes = '', url] = process.argv
const maxBytes = Number(capBytes)
const atOnce = 64
const warmUp = 300
const settledMs = 500

const store = url === undefined ? createStore({ maxBytes }) : createStore({ url, deadline: '1s' })
const app = express()
app.use(
  cacheResponse({
    store,
    ttl: '1h',
    scope: 'public',
    ...(url === undefined ? {} : { l1: { maxBytes, ttl: '1h' } }),
  }),
)
app.use((req, res) => {
  res.json({ of: req.url, answer: 'What is kept, and for how long? '.repeat(64) })
})
const server = createServer(app)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const agent = new Agent({ keepAlive: true, maxSockets: atOnce })

// Code and connections are there before it is weighed.
await flood('warm', warmUp)
const before = weight()
await flood('flood', Number(count))
// What is kept behind the last answers comes a little later.
await sleep(settledMs)
const after = weight()
const result: FloodResult = {
  rssBytes: after.rss - before.rss,
  heldBytes: held(after) - held(before),
  keys: await store.dbsize(),
}
process.send?.(result)
process.once('disconnect', () => process.exit())

async function flood(name: string, size: number): Promise<void> {
  let next = 0
  const workers = Array.from({ length: atOnce }, async () => {
    while (next < size) {
      next += 1
      await ask(`/${name}/${next}?q=${next * 7919}`)
    }
  })
  await Promise.all(workers)
}

function ask(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ port, path, agent }, (response) => {
      response.resume().once('end', resolve).once('error', reject)
    }).once('error', reject)
  })
}

function held({ heapUsed, arrayBuffers }: NodeJS.MemoryUsage): number {
  return heapUsed + arrayBuffers
}

function weight(): NodeJS.MemoryUsage {
  for (let times = 0; times < 3; times += 1) globalThis.gc?.()
  return process.memoryUsage()
}
