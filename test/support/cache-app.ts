import { channel } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import { PassThrough, type Writable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createStore, type StoreOptions } from '../../lib/index.ts'
import type { CacheResponseOptions, Purged } from '../../middleware/cache-response.ts'
import { cacheResponse } from '../../middleware/express.ts'
import type { Exchange, Native } from './apps.ts'
import { frameworks } from './apps.ts'

/** What an app of its own process is told, as JSON. */
export interface CacheAppOptions {
  readonly framework: string
  readonly store: StoreOptions
  readonly cache?: Omit<CacheResponseOptions<Native>, 'user' | 'store' | 'when' | 'scope'>
  /** The field X-Tenant names whose answers these are. */
  readonly scoped?: boolean
}

/** What an app is asked while it runs. */
export type Order =
  /** Those who wait for this gate go on for so many steps; less than none close it again. */
  | { readonly do: 'open'; readonly gate: string; readonly steps: number }
  | { readonly do: 'look'; readonly id: number }
  | { readonly do: 'purge'; readonly id: number; readonly what: Purged }

/** What an app has seen so far. */
export interface Seen {
  /** Requests that have reached the cache. */
  readonly arrived: number
  /** The target of each run of the handler. */
  readonly runs: readonly string[]
  readonly troubles: number
  /** After a collection. */
  readonly heapBytes: number
}

/** What it answers to an order. */
export interface Answer {
  readonly id: number
  readonly seen?: Seen
  /** How a purge ended: `purged`, or the name of its error. */
  readonly ended?: string
}

// One of several processes of a test, which caches what its handler makes.
const told = JSON.parse(process.argv[2] ?? '{}') as CacheAppOptions
const framework = frameworks.find((each) => each.name === told.framework)
if (!framework) throw new Error(`There is no framework ${told.framework}`)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const store = createStore(told.store)
const gates = new Map<string, number>()
const opened = new EventEmitter().setMaxListeners(0)
const runs: string[] = []
let arrived = 0
let troubles = 0
channel('memoryware:error').subscribe(() => {
  troubles += 1
})

/** Resolves once a gate was opened so many times. */
async function through(gate: string, step: number): Promise<void> {
  while ((gates.get(gate) ?? 0) < step) await once(opened, gate)
}

/** What the handler writes a stream to: on Koa, a stream that the framework takes as its body. */
function sinkOf({ target, send }: Exchange): Writable {
  if (!('res' in target)) return target as unknown as Writable
  const body = new PassThrough()
  send(200, body)
  return body
}

/** An event at once, and one for each step through the gate. */
async function stream(exchange: Exchange, name: string): Promise<void> {
  const gate = exchange.query.get('gate') ?? ''
  const count = Number(exchange.query.get('stream'))
  exchange.set('content-type', 'text/event-stream')
  const sink = sinkOf(exchange)
  sink.on('error', () => {})
  for (let at = 1; at <= count; at += 1) {
    if (at > 1 && gate) await through(gate, at - 1)
    sink.write(`id: ${at}\ndata: ${name} ${at}\n\n`)
  }
  if (gate) await through(gate, count)
  sink.end()
}

/**
 * Answers with its process and the number of its run, and the body it got. In the query: `cc` is the
 * Cache-Control, `vary` a field it varies by, `tag` a tag, `gate` what it waits for, `stream` how many
 * events it sends, `bytes` how many bytes it adds.
 */
async function handle(exchange: Exchange): Promise<void> {
  const { query, cache, header } = exchange
  const of = (name: string): string => query.get(name) ?? ''
  runs.push(`${query}`)
  const name = `${process.pid}.${runs.length}`
  const vary = of('vary')
  if (of('cc')) exchange.set('cache-control', of('cc'))
  if (vary) exchange.set('vary', vary)
  if (of('tag')) cache.tag(of('tag'))
  exchange.set('x-degraded', `${cache.degraded}`)
  if (of('stream')) {
    const streaming = stream(exchange, name)
    return 'res' in exchange.target ? undefined : streaming
  }
  if (of('gate')) await through(of('gate'), 1)
  exchange.set('content-type', 'text/plain')
  const varied = vary && header(vary)
  exchange.send(200, `${name} ${varied}${exchange.body}${'x'.repeat(Number(of('bytes')))}`)
}

const scope = told.scoped
  ? { scope: (native: Native) => native.get('x-tenant') || null }
  : { scope: 'public' as const }
const cache = { ...told.cache, ...scope, store }
const app = await framework.serve(
  {
    cache: {
      ...cache,
      when: () => {
        arrived += 1
        return true
      },
    },
  },
  handle,
)
// Of the same store, so of the same answers.
const answers = cacheResponse(cache)

function seen(): Seen {
  collect()
  return { arrived, runs, troubles, heapBytes: process.memoryUsage().heapUsed }
}

async function purge(what: Purged): Promise<string> {
  try {
    await answers.purge(what)
    return 'purged'
  } catch (error) {
    return (error as Error).name
  }
}

const answer = (given: Answer): void => void process.send?.(given)

process.on('message', async (order: Order) => {
  if (order.do === 'look') answer({ id: order.id, seen: seen() })
  else if (order.do === 'purge') answer({ id: order.id, ended: await purge(order.what) })
  else {
    gates.set(order.gate, (gates.get(order.gate) ?? 0) + order.steps)
    opened.emit(order.gate)
  }
})
process.send?.(app.url)
