import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { after, afterEach, before, describe, it } from 'mocha'
import { createStore, OptionError, type Store } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { freePort } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'
import { type How, type Mounted, type Native, type Sent, type Site, sites } from './composed.ts'

type Calls = (name: string) => void

interface Case {
  readonly says: string
  readonly mounted: (call: Calls) => readonly Mounted[]
  readonly sent: readonly Sent[]
}

const hour = { limit: 1, window: '1h', key: 'global' } as const
const wide = { limit: 100, window: '1h', key: 'global' } as const
const user = (native: Native) => native.get('x-user') || undefined
const ann = { headers: { 'x-user': 'ann' } }
const post = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'question' }

const cases: readonly Case[] = [
  {
    says: 'a miss and a hit behind a limit',
    mounted: () => [{ limit: wide }, { cache: { ttl: 60 } }],
    sent: [{}, {}, { path: '/b' }],
  },
  {
    says: 'a refused request whose answer is in the cache',
    mounted: () => [{ limit: hour }, { cache: { ttl: 60 } }],
    sent: [{}, {}, {}],
  },
  {
    says: 'a limit behind a cache, which counts what the cache does not answer',
    mounted: () => [{ cache: { ttl: 60 } }, { limit: hour }],
    sent: [{}, {}, { path: '/b' }, {}],
  },
  {
    says: 'two limits, of which the second refuses',
    mounted: () => [{ limit: wide }, { limit: hour }, { cache: { ttl: 60 } }],
    sent: [{}, {}, {}],
  },
  {
    says: 'two limits, of which the first refuses',
    mounted: () => [{ limit: hour }, { limit: wide }, { cache: { ttl: 60 } }],
    sent: [{}, {}, {}],
  },
  {
    says: 'memory, limit and cache, with a guest',
    mounted: () => [{ memory: {} }, { limit: wide }, { cache: { ttl: 60 } }],
    sent: [{}, {}, { path: '/remember' }, { path: '/remember' }, { path: '/fail-remember' }],
  },
  {
    says: 'memory, limit and cache of a user',
    mounted: () => [
      { memory: { user } },
      { limit: { limit: 3 } },
      { cache: { scope: 'user', ttl: 60 } },
    ],
    sent: [ann, ann, { headers: { 'x-user': 'bob' } }, {}, ann, ann],
  },
  {
    says: 'a user whom each asks for itself',
    mounted: (call) => {
      const asked = (native: Native) => {
        call('user')
        return user(native)
      }
      const limit = { limit: 2, window: '1h', user: asked } as const
      return [
        { limit },
        { memory: { user: asked } },
        { cache: { scope: 'user', user: asked, ttl: 60 } },
      ]
    },
    sent: [ann, ann, ann, {}, {}, {}],
  },
  {
    says: 'two caches around a limit',
    mounted: () => [
      { cache: { ttl: 60, key: { query: [] } } },
      { limit: hour },
      { cache: { ttl: 60 } },
    ],
    sent: [{}, {}, { path: '/b?x' }, { path: '/c' }],
  },
  {
    says: 'two caches in a row',
    mounted: () => [{ limit: wide }, { cache: { ttl: 60, scope: 'user' } }, { cache: { ttl: 60 } }],
    sent: [{}, {}, {}],
  },
  {
    says: 'functions of a cache behind a limit',
    mounted: (call) => {
      const told = <T>(name: string, value: T): T => {
        call(name)
        return value
      }
      return [
        { limit: { ...hour, limit: 2 } },
        {
          cache: {
            ttl: 60,
            when: () => told('when', true),
            scope: () => told('scope', 'all'),
            key: { extra: () => told('extra', 'more') },
          },
        },
      ]
    },
    sent: [{}, {}, {}, {}],
  },
  {
    says: 'a key that the cache cannot use, behind a limit',
    mounted: () => [
      { limit: { ...hour, limit: 2 } },
      { cache: { ttl: 60, key: { extra: () => 5 as never } } },
    ],
    sent: [{}, {}, {}],
  },
  {
    says: 'a user id that nobody can have, behind a limit that asks for none',
    mounted: () => [{ limit: hour }, { cache: { ttl: 60, user: () => '' } }],
    sent: [{}, {}],
  },
  {
    says: 'a key that the limit cannot use',
    mounted: () => [{ limit: { ...hour, key: () => '' } }, { cache: { ttl: 60 } }],
    sent: [{}, {}],
  },
  {
    says: 'a function that fails',
    mounted: () => [
      { memory: {} },
      { limit: { ...hour, key: () => Promise.reject(new Error('no directory')) } },
      { cache: { ttl: 60 } },
    ],
    sent: [{}, {}],
  },
  {
    says: 'a limit that is skipped',
    mounted: () => [{ limit: { ...hour, skip: () => true } }, { cache: { ttl: 60 } }],
    sent: [{}, {}, { path: '/b' }],
  },
  {
    says: 'a body, which only the cache reads',
    mounted: () => [{ limit: { ...hour, limit: 2 } }, { cache: { ttl: 60, methods: ['POST'] } }],
    sent: [post, post, post, {}],
  },
  {
    says: 'clients that say what they take',
    mounted: () => [{ limit: wide }, { cache: { ttl: 60 } }],
    sent: [
      { headers: { 'cache-control': 'only-if-cached' } },
      {},
      { headers: { 'cache-control': 'only-if-cached' } },
      { headers: { 'cache-control': 'max-age=0' } },
      { headers: { 'cache-control': 'no-store' } },
      { method: 'HEAD' },
      { method: 'DELETE' },
    ],
  },
  {
    says: 'a handler that fails',
    mounted: () => [{ memory: {} }, { limit: hour }, { cache: { ttl: 60 } }],
    sent: [{ path: '/fail' }, { path: '/fail' }],
  },
]

async function transcript(
  framework: keyof typeof sites,
  { how, store }: { how: How; store: Store },
  { mounted, sent }: Case,
): Promise<unknown> {
  const log: string[] = []
  const site: Site = await sites[framework]({
    ...{ how, store, log },
    mounted: mounted((name) => log.push(name)),
  })
  const replies: unknown[] = []
  for (const each of sent) {
    log.splice(0)
    const reply = await site.ask(each)
    // A function may be asked again for a guest; none is that would not have been asked at all.
    replies.push({ ...reply, called: [...new Set(log)] })
  }
  await site.close()
  return replies
}

for (const framework of ['express', 'koa'] as const) {
  for (const stores of bothProviders()) {
    describe(`compose() on ${framework} over ${stores.name} answers like the same mounted apart`, () => {
      before(() => stores.start())
      after(() => stores.stop())

      for (const each of cases)
        it(each.says, async () => {
          const apart = await transcript(
            framework,
            { how: 'apart', store: await stores.empty() },
            each,
          )
          const composed = await transcript(
            framework,
            { how: 'composed', store: await stores.empty() },
            each,
          )
          assert.deepEqual(composed, apart)
        })
    })
  }

  describe(`compose() on ${framework}`, () => {
    const open: Store[] = []
    const { compose, rateLimit, cacheResponse, sessionMemory } =
      framework === 'express' ? onExpress : (onKoa as unknown as typeof onExpress)
    const other = framework === 'express' ? onKoa : onExpress
    const store = createStore({ provider: 'embedded' })
    afterEach(() => Promise.all(open.splice(0).map((each) => each.close())))

    it('answers like the same mounted apart while the store is away', async () => {
      const url = `redis://127.0.0.1:${await freePort()}`
      const away = () => {
        const made = createStore({ url, deadline: '50ms' })
        open.push(made)
        return made
      }
      const mounted = () => [{ memory: {} }, { limit: hour }, { cache: { ttl: 60 } }]
      const each = { says: 'away', mounted, sent: [{}, {}] }
      const apart = await transcript(framework, { how: 'apart', store: away() }, each)
      assert.deepEqual(await transcript(framework, { how: 'composed', store: away() }, each), apart)
    })

    it('neither waits for nor watches a body of a request that it refuses', async () => {
      const watched: boolean[] = []
      const onLimited = (native: Native) => {
        const { req } = native as unknown as { readonly req?: IncomingMessage }
        watched.push(Object.hasOwn(req ?? native, 'push'))
      }
      const mounted = [{ limit: { ...hour, onLimited } }, { cache: { methods: ['POST'] } }] as const
      const site = await sites[framework]({ how: 'composed', store, mounted })
      await site.ask(post)
      const client = request(site.url, { method: 'POST', headers: { 'content-length': 5 } })
      client.flushHeaders()
      const [answer] = await once(client, 'response')
      assert.equal(answer.statusCode, 429)
      assert.deepEqual(watched, [false])
      client.destroy()
      await site.close()
    })

    it('takes what it made itself', () => {
      const inner = compose(rateLimit({ store, ...hour }), cacheResponse({ store }))
      assert.equal(typeof compose(sessionMemory({ store }), inner), 'function')
    })

    for (const [what, given, place] of [
      ['nothing', [], /`compose` must be given middlewares/],
      ['a middleware of the application', [cacheResponse({ store }), () => {}], /`compose\[1\]` /],
      ['undefined', [undefined], /`compose\[0\]` must be what sessionMemory\(\).*got undefined/],
      ['one of the other framework', [other.cacheResponse({ store })], /`compose\[0\]` .* for /],
    ] as const)
      it(`does not take ${what}`, () => {
        assert.throws(
          () => compose(...(given as unknown as never[])),
          (error: Error) => error instanceof OptionError && place.test(error.message),
        )
      })
  })
}
