import assert from 'node:assert/strict'
import { post } from '../../cache/pairs.ts'
import { closeSites, fact, frameworks, type Reply, type Run, type Sent } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { latch } from '../../support/latch.ts'
import {
  holdClock,
  later,
  letClockGo,
  type PaperPlan,
  type PaperSite,
  saying,
  serve,
} from './paper-site.ts'

/** Ways to say that an answer lives a second, and may be used for a minute more. */
const ways: readonly (readonly [says: string, plan: PaperPlan])[] = [
  [
    'the answer says so',
    { handle: saying({ 'Cache-Control': 'max-age=1, stale-while-revalidate=60' }) },
  ],
  ['the option says so', { cache: { ttl: 1, staleWhileRevalidate: 60 } }],
]

const optional = { cache: { ttl: 1, staleWhileRevalidate: 60 } }

/** Asks until another run answers. */
function renewed(site: PaperSite, path = '/a', sent?: Sent): Promise<Reply> {
  return eventually('a new answer', async () => {
    const reply = await site.get(path, sent)
    return reply.body === 'run 1' ? undefined : reply
  })
}

for (const framework of frameworks) {
  describe(`stale-while-revalidate on ${framework}`, () => {
    beforeEach(holdClock)
    afterEach(async () => {
      letClockGo()
      await closeSites()
    })

    for (const [says, { cache, handle = saying({}) }] of ways) {
      it(`answers at once with what is stale, and then with what is new, where ${says}`, async () => {
        const held = latch()
        const site = await serve(framework, {
          cache: { ...cache },
          async handle(run) {
            if (run.number === 2) await held.opened
            await handle(run)
          },
        })
        await site.get('/a')
        later(5)
        const stale = await site.get('/a')
        assert.equal(stale.body, 'run 1')
        assert.match(fact(stale), /^memoryware; hit; ttl=-\d+/)
        await eventually('it runs behind', async () => site.runs === 2 || undefined)
        held.open()
        const next = await renewed(site)
        assert.deepEqual([next.body, site.runs], ['run 2', 2])
      })
    }

    it('runs the handler once for fifty at the same time', async () => {
      const held = latch()
      const site = await serve(framework, {
        ...optional,
        async handle(run) {
          if (run.number > 1) await held.opened
          run.send(200, `run ${run.number}`)
        },
      })
      await site.get('/a')
      later(5)
      const replies = await Promise.all(Array.from({ length: 50 }, () => site.get('/a')))
      assert.deepEqual(new Set(replies.map(({ body }) => body)), new Set(['run 1']))
      held.open()
      const next = await renewed(site)
      assert.deepEqual([next.body, site.runs], ['run 2', 2])
    })

    it('says of such an answer that it is stale', async () => {
      const told: string[] = []
      const site = await serve(framework, {
        ...optional,
        express: {
          before: [
            (req, res, next) => {
              res.on('finish', () => told.push(req.cache.status))
              next()
            },
          ],
        },
        koa: {
          before: [
            async (ctx, next) => {
              await next()
              told.push(ctx.cache.status)
            },
          ],
        },
      })
      await site.get('/a')
      later(5)
      await site.get('/a')
      await eventually('both are told', async () => told.length === 2 || undefined)
      assert.deepEqual(told, ['miss', 'stale'])
    })

    it('waits for the handler once the window is over', async () => {
      const site = await serve(framework, optional)
      await site.get('/a')
      later(62)
      const { body } = await site.get('/a')
      assert.deepEqual([body, site.runs], ['run 2', 2])
    })

    for (const line of ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=1']) {
      it(`never does so where the answer says ${line}`, async () => {
        const site = await serve(framework, {
          cache: { staleWhileRevalidate: 60 },
          handle: saying({ 'Cache-Control': `max-age=1, ${line}` }),
        })
        await site.get('/a')
        later(5)
        assert.equal((await site.get('/a')).body, 'run 2')
      })
    }

    for (const line of ['no-cache', 'max-age=0']) {
      it(`never does so where the client says ${line}`, async () => {
        const site = await serve(framework, optional)
        await site.get('/a')
        later(5)
        const { body } = await site.get('/a', { headers: { 'cache-control': line } })
        assert.equal(body, 'run 2')
      })
    }

    const failures: readonly (readonly [says: string, handle: (run: Run) => unknown])[] = [
      ['throws', () => Promise.reject(new Error('no answer'))],
      ['destroys the response', (run) => run.raw.destroy()],
      ['answers 500', (run) => run.send(500, 'no answer')],
      [
        'makes a private answer',
        (run) => {
          run.set('Cache-Control', 'private')
          run.send(200, 'private')
        },
      ],
      [
        'sets a cookie',
        (run) => {
          run.set('Set-Cookie', 'sid=1')
          run.send(200, 'private')
        },
      ],
    ]
    for (const [says, handle] of failures) {
      it(`spares clients a run behind them that ${says}`, async () => {
        const site = await serve(framework, {
          ...optional,
          handle: (run) => (run.number === 1 ? run.send(200, 'run 1') : handle(run)),
        })
        await site.get('/a')
        later(5)
        const stale = await site.get('/a')
        await eventually('it runs behind', async () => site.runs === 2 || undefined)
        assert.deepEqual(
          [stale.status, stale.body, stale.headers['set-cookie']],
          [200, 'run 1', undefined],
        )
      })
    }

    const others: readonly (readonly [says: string, sent: Sent])[] = [
      ['range', { headers: { range: 'bytes=0-1' } }],
      ['condition', { headers: { 'if-none-match': '"1"' } }],
    ]
    for (const [says, sent] of others) {
      it(`fetches the whole behind a stale answer to a ${says}`, async () => {
        const site = await serve(framework, {
          ...optional,
          handle: (run) => saying({ ETag: `"${run.number}"` })(run),
        })
        await site.get('/a')
        later(5)
        await site.get('/a', sent)
        const { status, body } = await renewed(site)
        assert.equal(status, 200)
        assert.match(body, /^run [23]$/)
      })
    }

    it('leaves making a new answer to the next GET where a HEAD was answered', async () => {
      const site = await serve(framework, optional)
      await site.get('/a')
      later(5)
      const { status, headers } = await site.get('/a', { method: 'HEAD' })
      assert.deepEqual([status, headers['content-length']], [200, '5'])
      assert.equal((await site.get('/a')).body, 'run 1')
      assert.equal((await renewed(site)).body, 'run 2')
    })

    it('asks the handler at once where the body of the request will be gone', async () => {
      const site = await serve(framework, {
        cache: { ...optional.cache, methods: ['POST'] },
        async handle(run) {
          run.send(200, `run ${run.number} of ${await run.text()}`)
        },
      })
      const question = post('{"q":"a"}')
      await site.get('/a', question)
      later(5)
      assert.equal((await site.get('/a', question)).body, 'run 2 of {"q":"a"}')
      assert.equal((await site.get('/a', question)).body, 'run 2 of {"q":"a"}')
    })

    it('keeps what the run behind sets off the response that went out', async () => {
      const site = await serve(framework, {
        ...optional,
        outer: () => ({ 'X-Outer': 'outer' }),
        handle: (run) => saying({ 'X-Run': String(run.number) })(run),
      })
      await site.get('/a')
      later(5)
      const stale = await site.get('/a')
      assert.deepEqual([stale.headers['x-run'], stale.headers['x-outer']], ['1', 'outer'])
      const next = await renewed(site)
      assert.deepEqual([next.headers['x-run'], next.headers['x-outer']], ['2', 'outer'])
    })
  })
}
