import http from 'node:http'
import { mock } from 'node:test'
import type { Request } from 'express'
import type { Context } from 'koa'
import { createStore, type Store } from '../../../lib/index.ts'
import * as onExpress from '../../../middleware/express.ts'
import * as onKoa from '../../../middleware/koa.ts'
import { open, type Plan, type Run, type Site } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { startRedis } from '../../support/redis.ts'
import { shared } from '../../support/shared.ts'

/** What a purge is told. */
export interface Purged {
  readonly tags?: readonly string[]
  readonly url?: string
  readonly key?: string
  readonly scope?: string
  readonly soft?: boolean
}

/** Options as the paper has them. */
export type PaperOptions = NonNullable<Plan['cache']> & {
  readonly staleWhileRevalidate?: number | string
  readonly staleIfError?: number | string
  readonly coalesce?: 'process' | 'redis' | false
  readonly stream?: {
    readonly replay?: 'burst' | 'original'
    readonly complete?: (tail: Buffer) => boolean
  }
  readonly tags?: readonly string[] | (() => readonly string[])
  readonly l1?: false | { readonly maxBytes?: number; readonly ttl?: number | string }
}

/** What `req.cache` has besides. */
export interface PaperCache {
  readonly status: string
  readonly reason: string | undefined
  readonly key: string
  tag(...tags: string[]): void
}

/** A site whose cache is at hand. */
export interface PaperSite extends Site {
  purge(what: Purged): Promise<unknown>
}

/** What is served. */
export interface PaperPlan extends Omit<Plan, 'cache' | 'handle'> {
  readonly cache?: PaperOptions
  /** @default a handler that says which run it is */
  readonly handle?: (run: Run) => unknown
}

/** Serves with the cache right before the handler. */
export async function serve(
  framework: 'express' | 'koa',
  { cache, handle = sayRun, ...plan }: PaperPlan,
): Promise<PaperSite> {
  const user = (native: { get(name: string): string | undefined }) =>
    native.get('x-user') || undefined
  const options = { store: createStore({ provider: 'embedded' }), user, ...cache }
  const express = onExpress.cacheResponse(
    options as unknown as onExpress.CacheResponseOptions<Request>,
  )
  const koa = onKoa.cacheResponse(options as unknown as onKoa.CacheResponseOptions<Context>)
  const site = await open(framework, {
    ...plan,
    handle,
    express: { ...plan.express, after: [express, ...(plan.express?.after ?? [])] },
    koa: { ...plan.koa, after: [koa, ...(plan.koa?.after ?? [])] },
  })
  const answers: unknown = framework === 'express' ? express : koa
  return Object.assign(site, {
    purge: (what: Purged) => (answers as { purge(what: Purged): Promise<unknown> }).purge(what),
  })
}

function sayRun(run: Run): void {
  run.send(200, `run ${run.number}`)
}

/** Sets fields, then says which run it is. */
export function saying(fields: Readonly<Record<string, string>>): (run: Run) => void {
  return (run) => {
    for (const [name, value] of Object.entries(fields)) run.set(name, value)
    sayRun(run)
  }
}

/** What the paper adds to `req.cache`. */
export function cacheOf(run: Run): PaperCache {
  return run.cache as unknown as PaperCache
}

let began = 0

/** Lets the clock of HTTP stand; `later` moves it. */
export function holdClock(): void {
  began = Date.now()
  mock.timers.enable({ apis: ['Date'], now: began })
}

/** So many seconds after `holdClock`. */
export function later(seconds: number): void {
  mock.timers.setTime(began + seconds * 1000)
}

/** Lets it go on. */
export function letClockGo(): void {
  mock.timers.reset()
}

const server = shared(startRedis)
let count = 0

/** The store, once it answers: before that, nothing is kept. */
export async function connected(store: Store): Promise<Store> {
  await eventually('it is connected', () => store.set('anything', 1).then(() => true))
  return store
}

/** Two stores on the same Redis, as two processes have them, with nothing in it. */
export async function twoStores(): Promise<{
  readonly stores: readonly [Store, Store]
  close(): Promise<void>
}> {
  const { url } = await server()
  count += 1
  const store = () => createStore({ url, prefix: `paper-${count}:`, deadline: '1s' })
  const stores = [store(), store()] as const
  for (const each of stores) await connected(each)
  return { stores, close: async () => void (await Promise.all(stores.map((each) => each.close()))) }
}

/** What comes of a response, as it comes. */
export interface Streamed {
  /** Settled once there is one. */
  readonly first: Promise<Buffer>
  /** Rejected where it broke off. */
  readonly whole: Promise<Buffer>
  /** Milliseconds between the first bytes and the last. */
  readonly lasted: () => number
  leave(): void
}

/** Reads a response as it comes. */
export function streamed(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Streamed {
  const times: number[] = []
  const chunks: Buffer[] = []
  const first = settled<Buffer>()
  const whole = settled<Buffer>()
  const failed = (error: Error) => {
    first.reject(error)
    whole.reject(error)
  }
  const asked = http.get({
    host: '127.0.0.1',
    ...{ port, path, agent: false, headers: { host: 'x.test', ...headers } },
  })
  asked.on('error', failed)
  asked.on('response', (res) => {
    res.on('data', (chunk: Buffer) => {
      times.push(performance.now())
      chunks.push(chunk)
      first.resolve(chunk)
    })
    res.on('error', failed)
    res.on('end', () => whole.resolve(Buffer.concat(chunks)))
  })
  for (const { promise } of [first, whole]) promise.catch(() => {})
  return {
    first: first.promise,
    whole: whole.promise,
    lasted: () => (times.at(-1) ?? 0) - (times[0] ?? 0),
    leave: () => asked.destroy(),
  }
}

function settled<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
} {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((kept, broken) => {
    resolve = kept
    reject = broken
  })
  return { promise, resolve: (value) => resolve(value), reject: (error) => reject(error) }
}
