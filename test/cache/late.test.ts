import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { counting, of } from './pairs.ts'
import { closeSites, fact, frameworks, open, type Plan } from './site.ts'

type Change = (res: ServerResponse) => void

/** A middleware outside that changes the head at the last moment it can. */
const outside = (change: Change): Pick<Plan, 'express' | 'koa'> => ({
  express: {
    before: [
      (_req, res, next) => {
        const { writeHead } = res
        res.writeHead = ((_status: number, ...more: unknown[]) => {
          change(res)
          return Reflect.apply(writeHead, res, [res.statusCode, ...more])
        }) as typeof writeHead
        next()
      },
    ],
  },
  koa: {
    before: [
      async (ctx, next) => {
        await next()
        change(ctx.res)
      },
    ],
  },
})

const sets =
  (name: string, value: string): Change =>
  (res) => {
    res.setHeader(name, value)
  }

const begins: Change = (res) => {
  res.setHeader('Set-Cookie', `session=${Math.random()}`)
}

interface Late {
  readonly says: string
  readonly change: Change
  readonly cache?: Plan['cache']
  readonly outer?: Plan['outer']
}

const obeyed: readonly Late[] = [
  { says: 'no-store', change: sets('Cache-Control', 'no-store') },
  { says: 'private', change: sets('Cache-Control', 'private, max-age=60') },
  { says: 'max-age=0', change: sets('Cache-Control', 'max-age=0') },
  { says: 'a field to vary by', change: sets('Vary', 'X-User') },
  { says: 'Vary: *', change: sets('Vary', '*') },
  { says: 'a session that begins', change: begins },
  {
    says: 'another status',
    change: (res) => {
      res.statusCode = 503
    },
  },
]

const harmless: readonly Late[] = [
  { says: 'a field of its own', change: sets('X-Response-Time', '1') },
  {
    says: 'private, where the scope is an id',
    change: sets('Cache-Control', 'private'),
    cache: { ttl: 60, scope: () => 'ann' },
  },
  {
    says: 'a session that begins, where the scope is public',
    change: begins,
    cache: { ttl: 60, scope: 'public' },
  },
  { says: 'Vary: Accept-Encoding', change: sets('Vary', 'Accept-Encoding') },
  {
    says: 'a cookie that stood there before',
    change: sets('X-Own', '1'),
    outer: () => ({ 'Set-Cookie': 'memoryware.guest=a' }),
  },
]

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: what is added to the head after its decision`, () => {
    afterEach(closeSites)

    for (const { says, change } of obeyed) {
      it(`obeys ${says}`, async () => {
        const { get } = await counting(framework, outside(change))
        await get('/a')
        const { body } = await get('/a')
        assert.equal(body, 'run 2')
      })
    }

    for (const { says, change, cache, outer } of harmless) {
      it(`stores in spite of ${says}`, async () => {
        const plan = { ...outside(change), cache: cache ?? { ttl: 60 }, outer }
        const { get } = await counting(framework, plan)
        await get('/a')
        const second = await get('/a')
        assert.match(fact(second), /hit/)
        assert.equal(second.body, 'run 1')
      })
    }

    it('stores what says itself how long it is fresh, whoever begins a session', async () => {
      const { get } = await counting(framework, {
        ...outside(begins),
        handle(run) {
          run.set('Cache-Control', 'max-age=60')
          run.send(200, `run ${run.number}`)
        },
      })
      const first = await get('/a')
      const second = await get('/a')
      assert.equal(second.body, 'run 1')
      assert.notDeepEqual(first.headers['set-cookie'], second.headers['set-cookie'])
    })

    it('tells encodings apart once an outer middleware says so', async () => {
      const plan = outside(sets('Vary', 'Accept-Encoding'))
      const { get } = await counting(framework, plan)
      const ask = async (encoding: string) =>
        (await get('/a', of('accept-encoding', encoding))).body
      assert.deepEqual(
        [await ask('gzip'), await ask('br'), await ask('gzip'), await ask('br')],
        ['run 1', 'run 2', 'run 1', 'run 2'],
      )
    })

    it('never makes an answer live longer than the head that went out says', async () => {
      const { get } = await counting(framework, {
        ...outside(sets('Cache-Control', 'max-age=10')),
        handle(run) {
          run.set('Cache-Control', 'max-age=600')
          run.send(200, `run ${run.number}`)
        },
      })
      await get('/a')
      assert.match(fact(await get('/a')), /hit; ttl=(?:9|10)$/)
    })
  })
}

describe('cacheResponse on express: an outer middleware that holds the end back', () => {
  afterEach(closeSites)

  it('obeys what it sets before the head goes out', async () => {
    const { get } = await counting('express', {
      handle: ({ raw }) => raw.end(),
      express: {
        before: [
          (_req, res, next) => {
            const { end } = res
            res.end = ((...args: unknown[]) => {
              setTimeout(() => {
                begins(res)
                Reflect.apply(end, res, args)
              }, 10)
              return res
            }) as typeof end
            next()
          },
        ],
      },
    })
    await get('/a')
    assert.match(fact(await get('/a')), /miss/)
  })
})

describe('cacheResponse on koa: streams that say more once their source answers', () => {
  afterEach(closeSites)

  for (const [name, value] of [
    ['Set-Cookie', 'session=1'],
    ['Cache-Control', 'private, no-store'],
    ['Vary', 'X-User'],
    ['Content-Type', 'text/html'],
    ['Content-Encoding', 'identity'],
  ] as const) {
    it(`does not store what turns out to have ${name}`, async () => {
      const { get } = await counting('koa', {
        async handle(run) {
          const body = new PassThrough()
          run.send(200, body)
          wait(10).then(() => {
            run.set(name, value)
            body.end(`run ${run.number}`)
          })
        },
      })
      await get('/a')
      assert.equal((await get('/a')).body, 'run 2')
    })
  }

  it('stores the whole answer that an outer middleware made a 304 of', async () => {
    const site = await open('koa', {
      cache: { ttl: 60 },
      koa: {
        before: [
          async (ctx, next) => {
            await next()
            if (ctx.fresh) ctx.status = 304
          },
        ],
      },
      handle(run) {
        run.set('ETag', '"1"')
        run.send(200, 'whole')
      },
    })
    const first = await site.get('/a', of('if-none-match', '"1"'))
    const second = await site.get('/a')
    assert.deepEqual([first.status, second.status, second.body, site.runs], [304, 200, 'whole', 1])
  })
})
