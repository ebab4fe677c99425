import assert from 'node:assert/strict'
import { Readable, Transform } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { setTimeout as wait } from 'node:timers/promises'
import type { Context, Middleware } from 'koa'
import { counting, of } from './pairs.ts'
import { closeSites, fact, open, type Reply } from './site.ts'

/** A site whose last middleware is given. */
function answering(respond: (ctx: Context, run: number) => unknown, ...before: Middleware[]) {
  let runs = 0
  return open('koa', {
    cache: { ttl: 60 },
    koa: { before, after: [async (ctx) => void (await respond(ctx, ++runs))] },
    handle: () => assert.fail('not reached'),
  })
}

async function twice(respond: (ctx: Context, run: number) => unknown): Promise<[Reply, Reply]> {
  const { get } = await answering(respond)
  const replies: [Reply, Reply] = [await get('/a'), await get('/a')]
  assert.match(fact(replies[1]), /hit/)
  return replies
}

describe('cacheResponse on koa: bodies of every kind', () => {
  afterEach(closeSites)

  const kinds: readonly (readonly [
    kind: string,
    respond: (ctx: Context, run: number) => unknown,
  ])[] = [
    ['text', (ctx, run) => Object.assign(ctx, { body: `run ${run}` })],
    ['a Buffer', (ctx, run) => Object.assign(ctx, { body: Buffer.from(`run ${run}`) })],
    ['an object', (ctx, run) => Object.assign(ctx, { body: { run } })],
    ['a stream', (ctx, run) => Object.assign(ctx, { body: Readable.from(['run ', String(run)]) })],
    ['a slow stream', (ctx, run) => Object.assign(ctx, { body: Readable.from(slow(run)) })],
    [
      'a web stream',
      (ctx, run) => Object.assign(ctx, { body: ReadableStream.from([Buffer.from(`run ${run}`)]) }),
    ],
    [
      'a Blob',
      (ctx, run) => Object.assign(ctx, { body: new Blob([`run ${run}`], { type: 'text/own' }) }),
    ],
    [
      'a Response',
      (ctx, run) =>
        Object.assign(ctx, { body: new Response(`run ${run}`, { headers: { 'x-own': 'a' } }) }),
    ],
    ['nothing', (ctx) => Object.assign(ctx, { body: null })],
    ['a status in words', (ctx) => Object.assign(ctx, { status: 410 })],
    ['a redirect', (ctx) => Object.assign(ctx, { status: 301 }).redirect('/b')],
    [
      'the raw response',
      (ctx, run) => {
        ctx.respond = false
        ctx.res.writeHead(200, { 'content-type': 'text/own' }).end(`run ${run}`)
      },
    ],
    [
      'the raw response, later',
      (ctx, run) => {
        ctx.respond = false
        setTimeout(() => ctx.res.writeHead(200).end(`run ${run}`), 20)
      },
    ],
  ]

  for (const [kind, respond] of kinds) {
    it(`answers again with ${kind}`, async () => {
      const [first, second] = await twice(respond)
      const told = ({ status, body, headers }: Reply) => [
        status,
        body,
        headers['content-type'],
        headers['x-own'],
      ]
      assert.deepEqual(told(second), told(first))
    })
  }

  async function* slow(run: number): AsyncGenerator<string> {
    yield 'run '
    await wait(30)
    yield String(run)
  }
})

describe('cacheResponse on koa: middlewares around it', () => {
  afterEach(closeSites)

  it('stores what the handler answered, not what outer middlewares made of it', async () => {
    let request = 0
    const { get } = await answering(
      (ctx, run) => {
        ctx.set('Cache-Control', 'max-age=60')
        ctx.body = { run }
      },
      async (ctx, next) => {
        await next()
        request += 1
        ctx.set('Set-Cookie', `session=${request}`)
        ctx.set('X-Outer', String(request))
        // A hit hands outer middlewares bytes, whatever the handler had given.
        const text = Buffer.isBuffer(ctx.body) ? String(ctx.body) : JSON.stringify(ctx.body)
        ctx.body = `${request}: ${text}`
      },
    )
    const first = await get('/a')
    const second = await get('/a')
    assert.match(fact(second), /hit/)
    assert.deepEqual([first.body, second.body], ['1: {"run":1}', '2: {"run":1}'])
    assert.deepEqual(
      [second.headers['x-outer'], second.headers['set-cookie']],
      ['2', ['session=2']],
    )
  })

  it('lets an outer middleware take the stream, as late as it likes', async () => {
    const upper = () =>
      new Transform({
        transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
      })
    const { get } = await answering(
      (ctx, run) => {
        ctx.body = Readable.from(['run ', String(run)])
      },
      async (ctx, next) => {
        await next()
        await wait(30)
        ctx.body = ctx.body instanceof Readable ? ctx.body.pipe(upper()) : ctx.body
      },
    )
    const replies = [await get('/a'), await get('/a')]
    assert.deepEqual(
      replies.map(({ body }) => body),
      ['RUN 1', 'run 1'],
    )
  })

  it('sends the first bytes of a stream before the last are there', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { port } = await answering((ctx) => {
      ctx.body = Readable.from(
        (async function* () {
          yield 'first'
          await held
          yield 'last'
        })(),
      )
    })
    const { body } = await fetch(`http://127.0.0.1:${port}/a`)
    const reader = body?.getReader() ?? assert.fail()
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'first')
    release()
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'last')
  })

  it('does not store a stream that an outer middleware threw away', async () => {
    const { get } = await answering(
      (ctx, run) => {
        ctx.body = Readable.from(['run ', String(run)])
      },
      async (ctx, next) => {
        await next()
        if (ctx.body instanceof Readable) ctx.body = 'replaced'
      },
    )
    const replies = [await get('/a'), await get('/a')]
    assert.match(fact(replies[1] ?? assert.fail()), /fwd=miss/)
  })

  it('does not store what an error handler made of a throw', async () => {
    const { get } = await answering(
      (_ctx, run) => {
        throw new Error(`run ${run}`)
      },
      async (ctx, next) => {
        await next().catch((error: Error) => {
          ctx.body = error.message
        })
      },
    )
    const replies = [await get('/a'), await get('/a')]
    assert.deepEqual(
      replies.map(({ body }) => body),
      ['run 1', 'run 2'],
    )
  })

  it('gives the conditions back to outer middlewares', async () => {
    const { get } = await answering(
      (ctx) => {
        ctx.set('ETag', '"abc"')
        ctx.body = 'x'
      },
      async (ctx, next) => {
        await next()
        if (ctx.fresh) {
          ctx.status = 304
          ctx.body = null
        }
      },
    )
    assert.equal((await get('/a', of('if-none-match', '"abc"'))).status, 304)
    assert.match(fact(await get('/a')), /hit/)
  })

  it('shows on ctx.cache what it did', async () => {
    const shown: unknown[] = []
    const { get } = await counting('koa', {
      koa: {
        before: [
          async (ctx, next) => {
            await next()
            const { status, reason, age, degraded } = ctx.cache
            shown.push([status, reason, age, degraded])
          },
        ],
      },
    })
    await get('/a')
    await get('/a')
    assert.deepEqual(shown, [
      ['miss', undefined, undefined, false],
      ['hit', undefined, 0, false],
    ])
  })
})
