/** What this benchmark uses of packages that come without types. */

declare module 'apicache' {
  import type { RequestHandler } from 'express'

  /** What apicache calls on a client of node-redis 3. */
  export interface CallbackClient {
    readonly connected: boolean
    hgetall(
      key: string,
      done: (error: Error | null, fields?: Record<string, string>) => void,
    ): unknown
    hset(key: string, field: string, value: string | number): unknown
    expire(key: string, seconds: number, done: () => void): unknown
    del(key: string): unknown
  }

  interface ApiCache {
    options(options: { redisClient?: CallbackClient }): ApiCache
    /** What is kept, by its address. */
    getIndex(): { readonly all: readonly string[] }
    middleware(duration: string): RequestHandler
  }

  const apicache: ApiCache
  export = apicache
}

declare module 'autocannon' {
  interface Client {
    setRequests(
      requests: readonly {
        readonly method: string
        readonly path: string
        readonly headers: Readonly<Record<string, string>>
        readonly body?: string
      }[],
    ): void
  }

  interface Options {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly setupClient: (client: Client) => void
  }

  interface Result {
    readonly duration: number
    readonly requests: { readonly total: number }
    /** In milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number }
    readonly errors: number
    readonly '2xx': number
    readonly '4xx': number
  }

  function autocannon(options: Options): Promise<Result>
  export = autocannon
}

declare module 'route-cache/ioRedisStore.js' {
  import type { Redis } from 'ioredis'

  class IoRedisStore {
    constructor(redis: Redis)
  }
  export = IoRedisStore
}
