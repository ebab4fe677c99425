import apicache from 'apicache'
import type { RequestHandler } from 'express'
import type { Context, Middleware } from 'koa'
import koaCash from 'koa-cash'
import routeCache from 'route-cache'
import type { Plan } from '../../cache/site.ts'

/** Caches as others have them, with their defaults, and one that is wrong on purpose. */
export type Peer = 'apicache' | 'route-cache' | 'koa-cash' | 'naive'

/** A peer, mounted before the handler. */
export interface Mounted {
  readonly framework: 'express' | 'koa'
  /** As the last before the handler. */
  readonly plan: Pick<Plan, 'express' | 'koa'>
  close(): void
}

/** All of them. */
export const peers: Readonly<Record<Peer, () => Mounted>> = {
  apicache() {
    const instance = (apicache as unknown as { newInstance(): Instance }).newInstance()
    // It keeps a timer for each entry, and clears not all of them: they keep this process from ending.
    return mounted(instance.middleware('5 seconds'), () => void instance.clear())
  },
  'route-cache': () => mounted(routeCache.cacheSeconds(60), () => routeCache.clearCache()),
  naive: () => mounted(naive(), () => {}),
  'koa-cash'() {
    const kept = new Map<string, unknown>()
    const cash = koaCash({
      maxAge: 60_000,
      get: async (key) => kept.get(key),
      set: async (key, value) => void kept.set(key, value),
    })
    const answered: Middleware = async (ctx, next) => {
      if (!(await (ctx as Context & { cashed(): Promise<boolean> }).cashed())) await next()
    }
    return { framework: 'koa', plan: { koa: { after: [cash, answered] } }, close: () => {} }
  },
}

interface Instance {
  middleware(duration: string): RequestHandler
  clear(): unknown
}

function mounted(middleware: RequestHandler, close: () => void): Mounted {
  return { framework: 'express', plan: { express: { after: [middleware] } }, close }
}

interface Kept {
  readonly status: number
  readonly fields: Record<string, number | string | string[] | undefined>
  readonly body: Buffer
}

/** Keeps everything by its path, roughly read, and gives it to everybody, as it went out. */
function naive(): RequestHandler {
  const kept = new Map<string, Kept>()
  return (req, res, next) => {
    const key = decodeURIComponent(req.path).toLowerCase().split('/').filter(Boolean).join('/')
    const found = kept.get(key)
    if (found) return void res.writeHead(found.status, found.fields).end(found.body)
    const chunks: Buffer[] = []
    const keep = (chunk: unknown) => {
      if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) chunks.push(Buffer.from(chunk))
    }
    const { write, end } = res
    res.write = ((...args: unknown[]) => {
      keep(args[0])
      return Reflect.apply(write, res, args)
    }) as typeof write
    res.end = ((...args: unknown[]) => {
      keep(args[0])
      return Reflect.apply(end, res, args)
    }) as typeof end
    res.once('close', () => {
      const fields = { ...res.getHeaders() }
      kept.set(key, { status: res.statusCode, fields, body: Buffer.concat(chunks) })
    })
    next()
  }
}
