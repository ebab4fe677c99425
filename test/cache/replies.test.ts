import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { counting, of } from './pairs.ts'
import { closeSites, fact, frameworks, open, type Run } from './site.ts'

const tagged = (run: Run): void => {
  run.set('Cache-Control', 'max-age=60')
  run.set('ETag', '"abc"')
  run.set('Content-Type', 'text/plain')
  run.send(200, '0123456789')
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: how an entry answers`, () => {
    afterEach(async () => {
      mock.timers.reset()
      await closeSites()
    })

    async function warm(handle = tagged, cache = {}) {
      const site = await open(framework, { cache, handle })
      const first = await site.get('/a')
      return { ...site, first }
    }

    it('gives the age, and the date of the answer', async () => {
      mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
      const { get } = await warm()
      mock.timers.setTime(1_800_000_020_900)
      const { headers } = await get('/a')
      assert.deepEqual([headers['age'], headers['date']], ['20', 'Fri, 15 Jan 2027 08:00:00 GMT'])
    })

    it('counts the age that the answer came with', async () => {
      const { get } = await warm((run) => {
        run.set('Age', '50')
        tagged(run)
      })
      assert.equal((await get('/a')).headers['age'], '50')
    })

    it('runs the handler again when the answer is stale', async () => {
      mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
      const { get } = await counting(framework)
      await get('/a')
      mock.timers.setTime(1_800_000_060_000)
      const { body, headers } = await get('/a')
      assert.deepEqual([body, headers['age']], ['run 2', undefined])
    })

    it('answers HEAD from the entry of a GET', async () => {
      const { get, first } = await warm()
      const head = await get('/a', { method: 'HEAD' })
      assert.match(fact(head), /hit/)
      assert.equal(head.headers['content-length'], '10')
      assert.equal(head.headers['content-type'], first.headers['content-type'])
    })

    it('lets a HEAD pass that it cannot answer', async () => {
      const site = await counting(framework)
      await site.get('/a', { method: 'HEAD' })
      assert.equal(fact(await site.get('/a', { method: 'HEAD' })), 'memoryware; fwd=miss')
      assert.equal(site.runs, 2)
    })

    for (const [name, value] of [
      ['if-none-match', 'W/"abc"'],
      ['if-none-match', '"x", "abc"'],
      ['if-none-match', '*'],
    ] as const) {
      it(`answers 304 to ${name}: ${value}`, async () => {
        const { get } = await warm()
        const { status, body, headers } = await get('/a', of(name, value))
        assert.deepEqual([status, body, headers['content-type']], [304, '', undefined])
        assert.deepEqual([headers['etag'], headers['cache-control']], ['"abc"', 'max-age=60'])
      })
    }

    it('answers 304 to If-Modified-Since', async () => {
      const changed = new Date(0).toUTCString()
      const { get } = await warm((run) => {
        run.set('Last-Modified', changed)
        run.set('Cache-Control', 'max-age=60')
        run.send(200, 'x')
      })
      assert.equal((await get('/a', of('if-modified-since', changed))).status, 304)
      assert.equal((await get('/a', of('if-modified-since', '1 Jan 2030'))).status, 200)
    })

    it('gives an entry without a validator one of its own', async () => {
      const { get } = await counting(framework)
      await get('/a')
      const { etag } = (await get('/a')).headers
      assert.match(String(etag), /^W\//)
      assert.equal((await get('/a', of('if-none-match', String(etag)))).status, 304)
    })

    for (const [range, status, body, contentRange] of [
      ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
      ['bytes=7-', 206, '789', 'bytes 7-9/10'],
      ['bytes=-2', 206, '89', 'bytes 8-9/10'],
      ['bytes=-20', 206, '0123456789', 'bytes 0-9/10'],
      ['bytes=10-', 416, '', 'bytes */10'],
      ['bytes=0-1,3-4', 200, '0123456789', undefined],
      ['bytes=0-1,30-40', 200, '0123456789', undefined],
      ['lines=0-1', 200, '0123456789', undefined],
      ['bytes=4-2x', 200, '0123456789', undefined],
    ] as const) {
      it(`answers ${status} to Range: ${range}`, async () => {
        const { get } = await warm()
        const reply = await get('/a', of('range', range))
        assert.deepEqual(
          [reply.status, reply.body, reply.headers['content-range']],
          [status, body, contentRange],
        )
      })
    }

    it('answers the whole where If-Range names another response', async () => {
      const { get } = await warm()
      const part = of('range', 'bytes=2-4')
      assert.equal((await get('/a', of('if-range', '"abc"', part))).status, 206)
      assert.equal((await get('/a', of('if-range', '"old"', part))).status, 200)
    })

    it('fills without the conditions of the client, and gives them back', async () => {
      const seen: unknown[] = []
      const site = await open(framework, {
        cache: {},
        async handle(run) {
          seen.push(run.headers['if-none-match'], run.headers.range)
          const { headers } = run
          tagged(run)
          setImmediate(() => setImmediate(() => seen.push(headers['if-none-match'])))
        },
      })
      const reply = await site.get('/a', of('if-none-match', '"x"', of('range', 'bytes=0-1')))
      await new Promise((resolve) => setTimeout(resolve, 20))
      assert.deepEqual([reply.status, reply.body], [200, '0123456789'])
      assert.deepEqual(seen, [undefined, undefined, '"x"'])
    })

    it('neither stores nor overwrites what stood on the response before', async () => {
      let request = 0
      const site = await open(framework, {
        cache: { ttl: 60 },
        outer: () => ({
          'X-Request-Id': String(++request),
          RateLimit: `"a";r=${request}`,
          'Set-Cookie': `outer=${request}`,
          'Cache-Status': 'front; fwd=miss',
          Vary: 'Origin',
        }),
        handle(run) {
          run.set('Vary', 'Origin, Accept')
          run.set('X-RateLimit-Limit', '9')
          run.set('Retry-After', '9')
          run.set('X-Own', 'own')
          run.send(200, 'x')
        },
      })
      const first = await site.get('/a')
      const { headers } = await site.get('/a')
      assert.equal(first.headers['x-ratelimit-limit'], '9')
      assert.equal(first.headers['cache-status'], 'front; fwd=miss, memoryware; fwd=miss; stored')
      assert.deepEqual(
        [headers['x-request-id'], headers['ratelimit'], headers['set-cookie'], headers['vary']],
        ['2', '"a";r=2', ['outer=2'], 'Origin, Accept'],
      )
      assert.match(String(headers['cache-status']), /^front; fwd=miss, memoryware; hit; ttl=\d+$/)
      const kept = [headers['x-ratelimit-limit'], headers['retry-after'], headers['x-own']]
      assert.deepEqual(kept, [undefined, undefined, 'own'])
    })

    it('keeps the Vary of outer middlewares on a hit', async () => {
      let request = 0
      const { get } = await counting(framework, {
        outer: () => ({ Vary: ['Origin', 'X-Late'].slice(0, ++request).join(', ') }),
      })
      await get('/a')
      const { headers, body } = await get('/a')
      assert.deepEqual([headers['vary'], body], ['Origin, X-Late', 'run 1'])
    })

    it('says nothing in Cache-Status where that is switched off', async () => {
      const { get } = await counting(framework, { cache: { ttl: 60, cacheStatus: false } })
      const replies = [await get('/a'), await get('/a')]
      assert.deepEqual(
        replies.map(({ headers, body }) => [headers['cache-status'], body]),
        [
          [undefined, 'run 1'],
          [undefined, 'run 1'],
        ],
      )
    })

    it('leaves a 204 without a body', async () => {
      const { get } = await warm((run) => run.send(204, null), { ttl: 60 })
      const { status, body, headers } = await get('/a')
      assert.deepEqual([status, body, headers['content-length']], [204, '', undefined])
    })
  })
}
