import { expectTypeOf } from 'expect-type'
import type { Request, RequestHandler } from 'express'
import type { Context, Middleware } from 'koa'
import { describe, it } from 'mocha'
import { cached, type Memory, type Store } from '../lib/index.ts'
import * as onExpress from '../middleware/express.ts'
import * as onKoa from '../middleware/koa.ts'

describe('types', () => {
  it('give handlers of both frameworks the same helpers', () => {
    expectTypeOf<Request['memory']>().toEqualTypeOf<Memory>()
    expectTypeOf<Context['memory']>().toEqualTypeOf<Memory>()
    expectTypeOf<Context['rateLimit']>().toEqualTypeOf<Request['rateLimit']>()
    expectTypeOf<Context['cache']>().toEqualTypeOf<Request['cache']>()
  })

  it('give middlewares that the frameworks take', () => {
    expectTypeOf(onExpress.sessionMemory).returns.toExtend<RequestHandler>()
    expectTypeOf(onExpress.rateLimit).returns.toExtend<RequestHandler>()
    expectTypeOf(onExpress.cacheResponse).returns.toExtend<RequestHandler>()
    expectTypeOf(onKoa.sessionMemory).returns.toEqualTypeOf<Middleware>()
    expectTypeOf(onKoa.rateLimit).returns.toEqualTypeOf<Middleware>()
    expectTypeOf(onKoa.cacheResponse).returns.toEqualTypeOf<Middleware>()
  })

  it('hand the framework its own request in options', () => {
    type ExpressUser = NonNullable<onExpress.SessionMemoryOptions<Request>['user']>
    type KoaUser = NonNullable<onKoa.SessionMemoryOptions<Context>['user']>
    expectTypeOf<ExpressUser>().parameter(0).toEqualTypeOf<Request>()
    expectTypeOf<KoaUser>().parameter(0).toEqualTypeOf<Context>()
  })

  it('keep arguments and result of a cached function', () => {
    const fn = cached(async (question: string, limit: number) => [question, limit] as const, {
      ttl: '1m',
      name: 'typed',
    })
    expectTypeOf(fn).parameters.toEqualTypeOf<[string, number]>()
    expectTypeOf(fn).returns.resolves.toEqualTypeOf<readonly [string, number]>()
  })

  it('type what a pipeline gives', () => {
    type Results = Awaited<ReturnType<typeof run>>
    const run = (store: Store) => store.pipeline().get<string>('a').incr('n').ttl('a').exec()
    expectTypeOf<Results>().toEqualTypeOf<
      readonly [string | undefined, number, number | undefined]
    >()
  })
})
