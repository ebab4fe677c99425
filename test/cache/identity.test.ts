import assert from 'node:assert/strict'
import type { RequestHandler } from 'express'
import type { Middleware } from 'koa'
import { userAppeared } from '../../middleware/cache-request.ts'
import type { CacheableRequest } from '../../middleware/cacheable-request.ts'
import type { Exchange } from '../../middleware/exchange.ts'
import { requestState } from '../../middleware/request-state.ts'
import { type Aside, counting, of, type Pair, pairs } from './pairs.ts'
import { closeSites, fact, frameworks, type Plan, type Sent } from './site.ts'

const ours = `memoryware.guest=${'A'.repeat(22)}`
const guest: Sent = of('cookie', ours)
const scoped = { ttl: 60, scope: 'user' } as const

/** A middleware before the cache that signs in whom a field names. */
const signsIn: Partial<Plan> = {
  express: {
    before: [
      ((req, _res, next) => {
        if (req.get('x-key')) Object.assign(req, { user: { id: req.get('x-key') } })
        next()
      }) as RequestHandler,
    ],
  },
  koa: {
    before: [
      (async (ctx, next) => {
        if (ctx.get('x-key')) ctx.state['user'] = { id: ctx.get('x-key') }
        await next()
      }) as Middleware,
    ],
  },
}

const apart: readonly Pair[] = [
  {
    says: 'ids of a scope that are numbers',
    one: ['/a', of('x-user', '1')],
    other: ['/a', of('x-user', '2')],
    plan: { cache: { ttl: 60, scope: (native) => Number(native.get('x-user')) } },
  },
  {
    says: 'a user and a guest',
    one: ['/a', guest],
    other: ['/a', of('x-user', 'a', guest)],
    plan: { cache: scoped },
  },
]

const alike: readonly Pair[] = [
  {
    says: 'requests of a signed-in user with other credentials',
    one: ['/a', of('x-user', 'a', of('authorization', 'x'))],
    other: ['/a', of('x-user', 'a', of('cookie', 'sid=1'))],
    plan: { cache: scoped },
  },
  {
    says: 'users, where the handler says how long everybody may have it',
    one: ['/a', of('x-user', 'a')],
    other: ['/a', of('x-user', 'b')],
    plan: {
      cache: {},
      handle(run) {
        run.set('Cache-Control', 'public, max-age=60')
        run.send(200, `run ${run.number}`)
      },
    },
  },
  {
    says: 'users, where the scope is public',
    one: ['/a', of('x-user', 'a')],
    other: ['/a', of('x-user', 'b')],
    plan: { cache: { ttl: 60, scope: 'public' } },
  },
]

const aside: readonly Aside[] = [
  ['a guest with Authorization', 'authorization', of('authorization', 'x', guest), scoped],
  ['a guest with another cookie', 'cookie', of('cookie', `${ours}; sid=1`), scoped],
  ['nobody known with Authorization', 'authorization', of('authorization', 'x'), scoped],
]

pairs('who it is', { apart, alike, aside })

const nobodysIds: readonly (readonly [says: string, id: unknown])[] = [
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a number beyond 2^53', 2 ** 53],
  ['a lone surrogate', 'a\ud800'],
  ['129 bytes', 'x'.repeat(129)],
  ['true', true],
]

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: who cannot be told`, () => {
    afterEach(closeSites)

    const bodies = async (cache: Plan['cache'], plan: Partial<Plan>, ...asked: Sent[]) => {
      const { get } = await counting(framework, { cache, ...plan })
      const replies = []
      for (const sent of asked) replies.push(await get('/a', sent))
      return replies
    }

    it('keeps a ttl from those whom the framework has signed in', async () => {
      const [a, b] = [of('x-key', 'a'), of('x-key', 'b')]
      const replies = await bodies({ ttl: 60 }, signsIn, a, b, {}, a)
      assert.deepEqual(
        replies.map(({ body }) => body),
        ['run 1', 'run 2', 'run 3', 'run 4'],
      )
      assert.match(fact(replies[1] ?? assert.fail()), /detail=user$/)
    })

    it('keeps a ttl from those whom the `user` option names', async () => {
      const replies = await bodies({ ttl: 60 }, {}, of('x-user', 'a'), of('x-user', 'b'))
      assert.deepEqual(
        replies.map(({ body }) => body),
        ['run 1', 'run 2'],
      )
      assert.match(fact(replies[1] ?? assert.fail()), /detail=user$/)
    })

    for (const [says, id] of nobodysIds) {
      it(`fails for a scope that is ${says}`, async () => {
        const [reply] = await bodies({ ttl: 60, scope: () => id as string }, {}, {})
        assert.equal(reply?.status, 500)
      })
    }

    it('fails for an own part of the key, or of a body, that is not well-formed', async () => {
      const [one] = await bodies({ ttl: 60, key: { extra: () => 'a\ud800' } }, {}, {})
      const methods = ['POST'] as const
      const body = { key: { body: () => 'a\ud800' }, methods }
      const [other] = await bodies({ ttl: 60, ...body }, {}, { method: 'POST', body: 'x' })
      assert.deepEqual([one?.status, other?.status], [500, 500])
    })
  })
}

describe('userAppeared', () => {
  const holders = ['nobody', 'user', 'application'] as const
  const appeared = (holder: (typeof holders)[number], before: unknown, now: unknown, named = 0) => {
    const exchange = { userId: now, req: {} } as Exchange<unknown>
    if (named > 0) requestState(exchange.req).users.set(() => 'a', 'a')
    return userAppeared(exchange, { holder, userId: before, named: 0 } as CacheableRequest)
  }

  it('notices a user where the key holds none', () => {
    assert.equal(appeared('nobody', undefined, 'a'), true)
    assert.equal(appeared('nobody', undefined, undefined, 1), true)
    assert.equal(appeared('nobody', undefined, undefined), false)
  })

  it('notices another user than the one in the key', () => {
    assert.equal(appeared('user', 'a', 'b'), true)
    assert.equal(appeared('user', 'a', 'a'), false)
    assert.equal(appeared('user', undefined, 'a'), false)
  })

  it('leaves alone what the application has scoped itself', () => {
    assert.equal(appeared('application', undefined, 'a', 1), false)
  })
})
