// HTTP cache conformance, where the cases are at hand: node --import tsx .ci/conformance.mts FOLDER
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import express, { type Request, type Response } from 'express'
import Koa, { type Context } from 'koa'
import { createStore, type Store } from '../lib/index.ts'
import * as onExpress from '../middleware/express.ts'
import * as onKoa from '../middleware/koa.ts'
import { startRedis } from '../test/support/redis.ts'

/** It asks that a cookie given to one client is given to the next. */
const refused = new Set(['headers-store-Set-Cookie'])
/** Of the 86 cases that show what an optimal cache does: 90 %. */
const leastOptimal = 78

interface Row {
  readonly id: string
  readonly kind: 'required' | 'optimal' | 'check'
  readonly result: string
  readonly why: string
}

const [folder = '', framework, url] = process.argv.slice(2)
if (framework === undefined) await everyRun()
else await oneRun(framework, url)

/** Both frameworks on both providers, each in a process of its own: most of a run is waiting. */
async function everyRun(): Promise<void> {
  const redis = await startRedis()
  try {
    const runs = ['express', 'koa'].flatMap((name) => [run(name), run(name, redis.url)])
    const falls = (await Promise.all(runs)).map(report)
    process.exitCode = falls.some((fallen) => fallen) ? 1 : 0
  } finally {
    await redis.stop()
  }
}

interface Ran {
  readonly name: string
  readonly rows: readonly Row[]
}

async function run(name: string, redis?: string): Promise<Ran> {
  const args = [folder, name, ...(redis === undefined ? [] : [redis])]
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import', 'tsx'] })
  let rows: readonly Row[] = []
  child.on('message', (told) => {
    rows = told as readonly Row[]
  })
  await once(child, 'exit')
  return { name: `${name}, ${redis === undefined ? 'embedded' : 'Redis'}`, rows }
}

/** True where the wall does not hold. */
function report({ name, rows }: Ran): boolean {
  const passed = (kind: Row['kind']) =>
    rows.filter((row) => row.kind === kind && row.result === 'pass').length
  const all = (kind: Row['kind']) => rows.filter((row) => row.kind === kind).length
  const counts = (['required', 'optimal', 'check'] as const).map(
    (kind) => `${kind} ${passed(kind)}/${all(kind)}`,
  )
  console.log(`${name}: ${counts.join(', ')}`)
  const others = rows.filter(({ kind, result }) => kind !== 'check' && result !== 'pass')
  for (const { kind, id, result, why } of others)
    console.log(`  ${kind} ${id}: ${result} ${why}${refused.has(id) ? ' (refused)' : ''}`)
  const fallen = others.filter(({ kind, id }) => kind === 'required' && !refused.has(id)).length
  if (rows.length === 0) console.log('  no case was run')
  if (fallen > 0) console.log(`  ${fallen} required cases do not pass`)
  const behind = passed('optimal') < leastOptimal
  if (behind) console.log(`  fewer than ${leastOptimal} optimal cases pass`)
  return rows.length === 0 || fallen > 0 || behind
}

async function oneRun(name: string, redis: string | undefined): Promise<void> {
  const data = resolve(folder)
  const { startOrigin, runAll, classify } = await import(
    pathToFileURL(join(data, 'replay.mjs')).href
  )
  const suites = JSON.parse(await readFile(join(data, 'cache-tests.json'), 'utf8'))
  const origin = await startOrigin()
  const { port } = origin.address() as AddressInfo
  const store = createStore(
    redis === undefined ? { provider: 'embedded' } : { url: redis, prefix: `${name}:` },
  )
  const listener = name === 'koa' ? koaApp(store, port) : expressApp(store, port)
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rows = classify(suites, await inTurn(suites, (only) => runAll(suites, base, { only })))
  process.send?.(rows, () => process.exit())
}

interface Suite {
  readonly tests: readonly { readonly id: string }[]
}

type Results = Record<string, unknown>

/** A few cases every moment: all at once wait for each other so long that some run out of time. */
async function inTurn(
  suites: readonly Suite[],
  runSome: (ids: readonly string[]) => Promise<Results>,
): Promise<Results> {
  const ids = suites.flatMap(({ tests }) => tests.map(({ id }) => id))
  const running: Promise<Results>[] = []
  for (let at = 0; at < ids.length; at += 20) {
    running.push(runSome(ids.slice(at, at + 20)))
    await sleep(500)
  }
  return Object.assign({}, ...(await Promise.all(running)))
}

function expressApp(store: Store, port: number): RequestListener {
  const app = express()
  app.disable('etag').disable('x-powered-by')
  app.use(onExpress.cacheResponse({ store }))
  app.use((req: Request, res: Response) => forward(req, res, port))
  return app
}

/** A proxy without a cache of its own; what it hands on, the cache in front may store. */
function forward(req: Request, res: Response, port: number): void {
  const { method, originalUrl: path } = req
  const upstream = request({ host: '127.0.0.1', port, method, path, headers: req.headers })
  upstream.on('information', (info) => {
    if (info.statusCode === 103) res.writeEarlyHints(info.headers as never)
    else if (info.statusCode === 102) res.writeProcessing()
  })
  let answer: IncomingMessage | undefined
  upstream.on('response', (from) => {
    answer = from
    res.statusCode = from.statusCode ?? 502
    res.statusMessage = from.statusMessage ?? ''
    for (const [field, value] of fieldsOf(from)) res.setHeader(field, value)
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

function koaApp(store: Store, port: number): RequestListener {
  const app = new Koa()
  // What the cases break on purpose is no news.
  app.silent = true
  app.use(onKoa.cacheResponse({ store }))
  app.use((ctx) => handOn(ctx, port))
  return app.callback()
}

/** The same proxy as Koa has it: the answer is the body, a failure is thrown. */
async function handOn(ctx: Context, port: number): Promise<void> {
  const { method, originalUrl: path } = ctx
  const upstream = request({ host: '127.0.0.1', port, method, path, headers: ctx.req.headers })
  upstream.on('information', (info) => {
    if (info.statusCode === 103) ctx.res.writeEarlyHints(info.headers as never)
    else if (info.statusCode === 102) ctx.res.writeProcessing()
  })
  ctx.req.pipe(upstream)
  const from = await new Promise<IncomingMessage>((answered, failed) => {
    upstream.on('response', answered)
    // Once there is an answer, its own stream tells of what becomes of it.
    upstream.on('error', failed)
  }).catch((cause: unknown) => ctx.throw(502, { cause }))
  ctx.status = from.statusCode ?? 502
  ctx.body = from
  // Koa gives a stream a type, and here it has what the origin says.
  ctx.remove('content-type')
  for (const [field, value] of fieldsOf(from)) ctx.set(field, value)
  if (from.statusMessage) ctx.message = from.statusMessage
}

/** All fields but those of one connection. */
function fieldsOf(from: IncomingMessage): [name: string, value: string | string[]][] {
  const listed = String(from.headers.connection ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
  const hop = new Set(['connection', 'keep-alive', 'transfer-encoding', ...listed])
  return Object.entries(from.headersDistinct).flatMap(([name, values]) => {
    if (values === undefined || hop.has(name)) return []
    return [[name, values.length === 1 ? String(values[0]) : values]]
  })
}
