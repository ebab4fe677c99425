import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import express, { type RequestHandler } from 'express'
import type { Middleware } from 'koa'
import { canonicalJson, isFaithful } from '../../lib/cache/canonical-json.ts'
import { counting, of, type Pair, pairs, post } from './pairs.ts'
import { closeSites, fact, frameworks, type Plan, type Run, type Sent } from './site.ts'

const posts = { cache: { ttl: 60, methods: ['POST'] } } as const
const listed = { cache: { ttl: 60, key: { query: ['q'] } } }
const ignoring = { cache: { ttl: 60, key: { query: { ignore: ['x'] } } } }

const vary = (name: string): Partial<Plan> => ({
  handle: (run: Run) => {
    run.set('Vary', name)
    run.send(200, `run ${run.number}`)
  },
})

/** An outer middleware that sends the request elsewhere. */
const rewrites = (to: (user: string) => string): Partial<Plan> => ({
  express: {
    before: [
      ((req, _res, next) => {
        req.url = to(req.get('x-key') ?? '')
        next()
      }) as RequestHandler,
    ],
  },
  koa: {
    before: [
      (async (ctx, next) => {
        ctx.url = to(ctx.get('x-key'))
        await next()
      }) as Middleware,
    ],
  },
})

/** JSON as a parser reads it that lets more pass than objects. */
const parses: Partial<Plan> = {
  express: { before: [express.json({ strict: false })] },
  koa: {
    before: [
      (async (ctx, next) => {
        Object.assign(ctx.request, { body: JSON.parse(await text(ctx.req)) })
        await next()
      }) as Middleware,
    ],
  },
}

const bytes = (says: string, one: string, other: string): Pair => ({
  says,
  one: ['/a', post(one)],
  other: ['/a', post(other)],
  plan: posts,
})

const apart: readonly Pair[] = [
  bytes('numbers beyond 2^53', '{"a":9007199254740993}', '{"a":9007199254740992}'),
  bytes('a member that is given twice', '{"a":1,"a":3}', '{"a":2,"a":3}'),
  bytes('an object that a later member hides', '{"a":{"b":1},"a":2}', '{"a":2}'),
  bytes('numbers written otherwise', '[1.0]', '[1]'),
  bytes('numbers too large', '[1e400]', '[1e500]'),
  bytes('minus zero and zero', '[-0]', '[0]'),
  {
    says: 'a text and the object that it reads as',
    one: ['/a', post('"{\\"a\\":1}"')],
    other: ['/a', post('{"a":1}')],
    plan: { ...posts, ...parses },
  },
  {
    says: 'texts with lone surrogates',
    one: ['/a', post('"\\ud800"')],
    other: ['/a', post('"\\ud801"')],
    plan: { ...posts, ...parses },
  },
  {
    says: 'a listed parameter and one that stands too far back to be read',
    one: [`/a?${'x=1&'.repeat(1000)}q=1`],
    other: ['/a?q=1'],
    plan: listed,
  },
  {
    says: 'a parameter behind a thousand that are ignored',
    one: [`/a?${'x=1&'.repeat(1000)}q=1`],
    other: ['/a?q=1'],
    plan: ignoring,
  },
  {
    says: 'what an outer middleware made of the same path',
    one: ['/me', of('x-key', 'a')],
    other: ['/me', of('x-key', 'b')],
    plan: rewrites((user) => `/users/${user}`),
  },
  {
    says: 'ends of the same path',
    one: ['/a/b', of('x-key', '/a/b')],
    other: ['/a/b', of('x-key', '/b')],
    plan: rewrites((path) => path),
  },
  {
    says: 'languages in another order, whatever their weights',
    one: ['/a', of('accept-language', 'de;q=0.5, fr')],
    other: ['/a', of('accept-language', 'fr, de;q=0.5')],
    plan: vary('Accept-Language'),
  },
  {
    says: 'white space in a field of one value',
    one: ['/a', of('x-title', 'a, b')],
    other: ['/a', of('x-title', 'a,b')],
    plan: vary('X-Title'),
  },
]

const alike: readonly Pair[] = [
  bytes('members in another order', '{"a":":","b":[-1.5,"\\""]}', '{"b":[-1.5,"\\""],"a":":"}'),
  {
    says: 'ignored parameters of a rewritten path',
    one: ['/me?x=1&q=1'],
    other: ['/me?q=1&x=2'],
    plan: { ...ignoring, ...rewrites(() => '/users?x=3&q=1') },
  },
]

pairs('what reads alike', { apart, alike })

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: targets`, () => {
    afterEach(closeSites)

    it('stands aside where a fragment may hide a listed parameter', async () => {
      for (const plan of [listed, ignoring]) {
        const { get } = await counting(framework, plan)
        for (const target of ['/a?x=1#&q=1', '/a?#&q=1']) {
          const reply = await get(target)
          assert.equal(fact(reply), 'memoryware; fwd=bypass; detail=key')
        }
      }
    })

    it('keeps a mounted path and its query apart from others', async () => {
      const plan = rewrites(() => '/?q=1')
      const { get } = await counting(framework, plan)
      const sent: Sent = {}
      const replies = [await get('/a?q=1', sent), await get('/b?q=1', sent), await get('/a?q=1')]
      assert.deepEqual(
        replies.map(({ body }) => body),
        ['run 1', 'run 2', 'run 1'],
      )
    })
  })
}

describe('canonicalJson', () => {
  const bounds = { maxDepth: 4, maxLength: 100_000_000 }

  it('tells holes of an array apart', () => {
    // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
    const arrays = [[1, , 2], [1, 2], new Array(3), new Array(5), [], new Array(1), [null]]
    const texts = arrays.map((array) => canonicalJson(array, bounds))
    assert.equal(new Set(texts).size, arrays.length)
  })

  it('reads long texts without running out of stack', () => {
    const json = JSON.stringify(['\n'.repeat(1_000_000), ...new Array(100_000).fill(':"')])
    const canonical = canonicalJson(JSON.parse(json), bounds) ?? assert.fail()
    assert.equal(isFaithful(canonical, json), true)
  })
})
