import assert from 'node:assert/strict'
import express from 'express'
import { type Aside, type Pair, pairs, post } from './pairs.ts'
import { closeSites, fact, open, type Plan } from './site.ts'

const posts = { cache: { ttl: 60, methods: ['POST'] } } as const

const apart: readonly Pair[] = [
  { says: 'bodies', one: ['/a', post('{"q":"a"}')], other: ['/a', post('{"q":"b"}')], plan: posts },
  {
    says: 'bodies that come in pieces',
    one: ['/a', post(['{"q":', '"a"}'])],
    other: ['/a', post(['{"q":', '"b"}'])],
    plan: posts,
  },
  {
    says: 'types of the same body',
    one: ['/a', post('[]')],
    other: ['/a', post('[]', 'text/plain')],
    plan: posts,
  },
  {
    says: 'a number that JSON rounds to null',
    one: ['/a', post('[1e400]')],
    other: ['/a', post('[null]')],
    plan: posts,
  },
  {
    says: 'an own __proto__',
    one: ['/a', post('{"__proto__":1}')],
    other: ['/a', post('{"__proto__":2}')],
    plan: posts,
  },
  {
    says: 'texts',
    one: ['/a', post('q=a', 'text/plain')],
    other: ['/a', post('q=b', 'text/plain')],
    plan: posts,
  },
  {
    says: 'no body and an empty object',
    one: ['/a', post('')],
    other: ['/a', post('{}')],
    plan: posts,
  },
]

const alike: readonly Pair[] = [
  {
    says: 'the order of members',
    one: ['/a', post('{"a":1,"b":[2,{"c":3,"d":4}]}')],
    other: ['/a', post('{ "b":[2,{"d":4,"c":3}],"a":1 }')],
    plan: posts,
  },
]

const aside: readonly Aside[] = [
  ['multipart', 'multipart', post('--x--', 'multipart/form-data; boundary=x'), posts.cache],
  [
    'a body above the bound',
    'size',
    post(`"${'x'.repeat(100)}"`),
    { ...posts.cache, maxRequestBody: 100 },
  ],
  [
    'pieces above the bound',
    'size',
    post(['"', 'x'.repeat(100), '"']),
    { ...posts.cache, maxRequestBody: 100 },
  ],
  ['a depth bomb', 'body', post('['.repeat(500) + ']'.repeat(500)), posts.cache],
]

pairs('bodies', { apart, alike, aside })

describe('cacheResponse on express: a parser before the cache', () => {
  afterEach(closeSites)

  const site = (cache: Plan['cache'], ...before: express.RequestHandler[]) =>
    open('express', {
      cache,
      express: { before },
      handle: async (run) => run.send(200, `${run.number} ${await run.text()}`),
    })

  it('keys what the parser made', async () => {
    const { get } = await site(posts.cache, express.json(), express.urlencoded())
    await get('/a', post('{"q":"a","p":1}'))
    const form = 'application/x-www-form-urlencoded'
    const replies = [
      await get('/a', post('{"p":1, "q":"a"}')),
      await get('/a', post('{"q":"b"}')),
      await get('/a', post('q=a', form)),
      await get('/a', post('q=b', form)),
    ]
    const bodies = ['1 {"q":"a","p":1}', '2 {"q":"b"}', '3 {"q":"a"}', '4 {"q":"b"}']
    assert.deepEqual(
      replies.map(({ body }) => body),
      bodies,
    )
  })

  it('stands aside where the parser left nothing of a body', async () => {
    const { get } = await site(posts.cache, (req, _res, next) => {
      req.on('end', () => {
        req.body = {}
        next()
      })
      req.resume()
    })
    assert.equal(
      fact(await get('/a', post('q=a', 'text/x'))),
      'memoryware; fwd=bypass; detail=body',
    )
  })
})
