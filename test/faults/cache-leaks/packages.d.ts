/** What these tests use of packages that come without types. */

declare module 'route-cache' {
  import type { RequestHandler } from 'express'

  interface RouteCache {
    cacheSeconds(seconds: number): RequestHandler
    clearCache(): void
    config(options: { cacheStore: object }): RouteCache
  }

  const routeCache: RouteCache
  export = routeCache
}

declare module 'koa-cash' {
  import type { Middleware } from 'koa'

  interface CashOptions {
    readonly maxAge: number
    get(key: string): Promise<unknown>
    set(key: string, value: unknown): Promise<void>
  }

  function koaCash(options: CashOptions): Middleware
  export = koaCash
}
