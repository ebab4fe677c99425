import express, { type NextFunction, type Request, type Response } from 'express'
import Koa, { type Context } from 'koa'
import { after, afterEach, before, beforeEach } from 'mocha'
import type { Store } from '../../lib/index.ts'
import type { Limiter } from '../../lib/limit/limiter.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import type { RateLimitOptions } from '../../middleware/rate-limit-options.ts'
import { type App, listen, type Native } from './apps.ts'
import type { TestStores } from './stores.ts'

/** An app, and the limiter that stands before its handler. */
export interface LimiterApp extends App {
  readonly limiter: Limiter<never>
}

type Options = Omit<RateLimitOptions<Native>, 'user'>

/**
 * Serves a handler behind one limiter, which counts outside requests as well; X-User signs in. An
 * outer limiter is asked before.
 */
export const limiterApps: Readonly<
  Record<'express' | 'koa', (options: Options, outer?: Options) => Promise<LimiterApp>>
> = {
  async express(options, outer) {
    const app = express()
    app.set('trust proxy', true)
    const user = (req: Request) => req.get('x-user')
    if (outer) app.use(onExpress.rateLimit({ ...outer, user }))
    const limiter = onExpress.rateLimit({ ...options, user })
    app.use(limiter).use((_req, res) => void res.send('ok'))
    app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      res.status(500).send('Internal Server Error')
    })
    return { ...(await listen(app)), limiter }
  },
  async koa(options, outer) {
    const app = new Koa({ proxy: true })
    app.silent = true
    const user = (ctx: Context) => ctx.get('x-user') || undefined
    if (outer) app.use(onKoa.rateLimit({ ...outer, user }))
    const limiter = onKoa.rateLimit({ ...options, user })
    app.use(limiter).use((ctx) => {
      ctx.body = 'ok'
    })
    return { ...(await listen(app.callback())), limiter }
  },
}

/** Apps on one framework, a new store and at most one app for each test; all are closed after it. */
export interface ServedLimiters {
  readonly store: Store
  serve(options: Options): Promise<LimiterApp>
}

/** Registers what comes before and after the tests of a block. */
export function servedLimiters(
  stores: TestStores,
  framework: keyof typeof limiterApps,
): ServedLimiters {
  let store: Store | undefined
  let app: LimiterApp | undefined
  before(() => stores.start())
  beforeEach(async () => {
    store = await stores.empty()
  })
  afterEach(async () => {
    await app?.close()
    app = undefined
  })
  after(() => stores.stop())

  const served: ServedLimiters = {
    get store() {
      if (store === undefined) throw new Error('There is no store before a test')
      return store
    },
    async serve(options) {
      app = await limiterApps[framework]({ store: served.store, ...options })
      return app
    },
  }
  return served
}
