import assert from 'node:assert/strict'
import type { Sent } from '../../cache/site.ts'
import { closeSites, fact, frameworks, type Run } from '../../cache/site.ts'
import { holdClock, later, letClockGo, serve } from './paper-site.ts'

const day = 'Thu, 01 Jan 2026 00:00:00 GMT'

/** Says 304 to its own validator; counts in `seen` what it was asked with. */
function validating(seen: (string | undefined)[], validator: 'etag' | 'date') {
  const [field, value, condition] =
    validator === 'etag'
      ? (['ETag', '"1"', 'if-none-match'] as const)
      : (['Last-Modified', day, 'if-modified-since'] as const)
  return (run: Run): void => {
    seen.push(run.headers[condition])
    run.set('Cache-Control', 'max-age=10')
    run.set(field, value)
    run.set('X-Run', String(run.number))
    if (run.headers[condition] === value) run.send(304, 'never sent')
    else run.send(200, 'whole')
  }
}

for (const framework of frameworks) {
  describe(`revalidation on ${framework}`, () => {
    beforeEach(holdClock)
    afterEach(async () => {
      letClockGo()
      await closeSites()
    })

    for (const validator of ['etag', 'date'] as const) {
      it(`asks the handler with the ${validator} of the entry, and answers from the entry`, async () => {
        const seen: (string | undefined)[] = []
        const site = await serve(framework, { cache: {}, handle: validating(seen, validator) })
        await site.get('/a')
        later(20)
        const second = await site.get('/a')
        assert.deepEqual([second.status, second.body], [200, 'whole'])
        assert.deepEqual(seen, [undefined, validator === 'etag' ? '"1"' : day])
        assert.match(fact(second), /fwd=stale/)
      })
    }

    it('gives the entry the fields of the 304, and another life', async () => {
      const seen: (string | undefined)[] = []
      const site = await serve(framework, { cache: {}, handle: validating(seen, 'etag') })
      await site.get('/a')
      later(20)
      assert.equal((await site.get('/a')).headers['x-run'], '2')
      later(25)
      const third = await site.get('/a')
      assert.deepEqual([third.body, third.headers['x-run'], site.runs], ['whole', '2', 2])
      assert.deepEqual(seen, [undefined, '"1"'])
      assert.match(fact(third), /hit; ttl=[45]$/)
    })

    const clients: readonly (readonly [says: string, sent: Sent, status: number])[] = [
      ['has the entry', { headers: { 'if-none-match': '"1"' } }, 304],
      ['has another', { headers: { 'if-none-match': '"0"' } }, 200],
      ['asks by date', { headers: { 'if-modified-since': day } }, 200],
      ['has nothing', {}, 200],
      ['asks for a part', { headers: { range: 'bytes=1-2' } }, 206],
    ]
    for (const [says, sent, status] of clients) {
      it(`answers ${status} to a client that ${says}`, async () => {
        const seen: (string | undefined)[] = []
        const site = await serve(framework, { cache: {}, handle: validating(seen, 'etag') })
        await site.get('/a')
        later(20)
        const second = await site.get('/a', sent)
        const body = { 200: 'whole', 206: 'ho', 304: '' }[status]
        assert.deepEqual([second.status, second.body, seen[1]], [status, body, '"1"'])
      })
    }

    it('takes a new answer for the old one', async () => {
      const site = await serve(framework, {
        cache: {},
        handle(run) {
          run.set('Cache-Control', 'max-age=10')
          run.set('ETag', `"${run.number}"`)
          run.send(200, `run ${run.number}`)
        },
      })
      await site.get('/a')
      later(20)
      const bodies = [(await site.get('/a')).body, (await site.get('/a')).body]
      assert.deepEqual([bodies, site.runs], [['run 2', 'run 2'], 2])
    })

    it('validates what says no-cache each time', async () => {
      let confirmed = 0
      const site = await serve(framework, {
        cache: {},
        handle(run) {
          run.set('Cache-Control', 'no-cache')
          run.set('ETag', '"1"')
          if (run.headers['if-none-match'] !== '"1"') return run.send(200, 'whole')
          confirmed += 1
          run.send(304)
        },
      })
      const replies = [await site.get('/a'), await site.get('/a'), await site.get('/a')]
      assert.deepEqual(
        replies.map(({ status, body }) => `${status} ${body}`),
        ['200 whole', '200 whole', '200 whole'],
      )
      assert.deepEqual([site.runs, confirmed], [3, 2])
    })

    it('gives outer middlewares back what the client has sent', async () => {
      const seen: (string | undefined)[] = []
      const site = await serve(framework, {
        cache: {},
        handle: validating([], 'etag'),
        express: {
          before: [
            (req, res, next) => {
              res.on('finish', () => seen.push(req.get('if-none-match')))
              next()
            },
          ],
        },
        koa: {
          before: [
            async (ctx, next) => {
              await next()
              seen.push(ctx.get('if-none-match') || undefined)
            },
          ],
        },
      })
      await site.get('/a')
      later(20)
      await site.get('/a')
      await site.get('/a', { headers: { 'if-none-match': '"0"' } })
      assert.deepEqual(seen, [undefined, undefined, '"0"'])
    })

    it('never hands a 304 that its own condition has caused to a client that has nothing', async () => {
      const site = await serve(framework, {
        cache: { ttl: 10 },
        handle(run) {
          if (run.headers['if-none-match'] || run.headers['if-modified-since']) run.send(304)
          else run.send(200, 'whole')
        },
      })
      await site.get('/a')
      later(20)
      const { status, body } = await site.get('/a')
      assert.deepEqual([status, body], [200, 'whole'])
    })
  })
}
