import { once } from 'node:events'
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createStore, embeddedProvider, type Store } from '../../lib/index.ts'
import { partition } from '../../lib/keys.ts'
import { demandOf } from '../../lib/limit/demand.ts'
import { checkRule } from '../../lib/limit/rule.ts'
import { cacheResponse } from '../../middleware/express.ts'
import type { FootprintKind } from '../footprint.ts'
import { send } from '../http-client.ts'
import { memoriesOf, said } from './memories.ts'

/** What so many of one kind take of this process. */
export interface FootprintResult {
  /** By which its heap, with its buffers, has grown. */
  readonly heldBytes: number
  /** Of all of them, what an application handed in: messages as JSON, or bodies. */
  readonly ownBytes: number
}

type Fill = (name: string, count: number) => Promise<number>

const [, , given = '', count = '', url] = process.argv
const atOnce = 64
const warmUp = 500
const bodyLength = 2048

const store: Store =
  url === undefined
    ? createStore({ provider: embeddedProvider({ maxEntries: 2 ** 20, maxBytes: 16 * 1024 ** 3 }) })
    : createStore({ url, deadline: '1s' })
const fills: Readonly<Record<FootprintKind, () => Promise<Fill>>> = {
  'session of 2': async () => sessions(2, 1),
  'session of 22': async () => sessions(22, 1),
  'tenth session': async () => sessions(2, 10),
  answer: answers,
  sliding: async () => budgets('sliding'),
  fixed: async () => budgets('fixed'),
}
const fill = await fills[given as FootprintKind]()
// Code, connections and scripts are there before it is weighed.
await fill('warm', warmUp)

process.on('message', async () => {
  const before = heldBytes()
  const ownBytes = await fill('user', Number(count))
  process.send?.({ heldBytes: heldBytes() - before, ownBytes } satisfies FootprintResult)
})
process.once('disconnect', () => process.exit())
process.send?.('ready')

/** Conversations of so many messages, so many a user. */
function sessions(length: number, ofUser: number): Fill {
  const memoryOf = memoriesOf({ store, ttl: '1d' })
  const messages = said(length)
  const jsonBytes = messages.reduce((sum, each) => sum + JSON.stringify(each).length, 0)
  return async (name, many) => {
    await inTurns(many, async (at) => {
      const session = `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
      await memoryOf(`${name}-${Math.floor(at / ofUser)}`, session).append(messages)
    })
    return many * jsonBytes
  }
}

/** Answers of 2 KB, each of a URL of its own, as `cacheResponse()` keeps them on the store. */
async function answers(): Promise<Fill> {
  const app = express()
  app.use(cacheResponse({ store, ttl: '1d', scope: 'public', l1: false }))
  app.use((_req, res) => {
    res.json({ answer: 'x'.repeat(bodyLength - '{"answer":""}'.length) })
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const asking = { url: `http://127.0.0.1:${port}`, method: 'GET', fields: {}, agent } as const
  return async (name, many) => {
    await inTurns(many, (at) => send({ ...asking, path: `/${name}/${at}` }))
    return many * bodyLength
  }
}

/** A rule of one minute for everybody, charged once. */
function budgets(algorithm: 'sliding' | 'fixed'): Fill {
  const rule = checkRule('rule', { name: 'minute', limit: 60, window: '1m', algorithm })
  return async (name, many) => {
    await inTurns(many, (at) => {
      const user = partition('user', `${name}-${at}`)
      const { charge } = demandOf(rule, { partition: user, limit: 60, cost: 1 })
      return store.budgets.charge([charge])
    })
    return 0
  }
}

async function inTurns(many: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const workers = Array.from({ length: atOnce }, async () => {
    while (next < many) {
      next += 1
      await work(next - 1)
    }
  })
  await Promise.all(workers)
}

function heldBytes(): number {
  if (globalThis.gc === undefined) throw new Error('Heaps are compared with --expose-gc only')
  for (let times = 0; times < 3; times += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
