import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { holdClock, later, letClockGo, serve, streamed } from '../faults/cache-paper/paper-site.ts'
import { eventually } from '../support/eventually.ts'
import { closeSites, frameworks, type Run } from './site.ts'

const event = (id: number) => `id: ${id}\ndata: ${id}\n\n`

/** What a client asked, until the handler lets it go. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

for (const framework of frameworks) {
  describe(`hostile clients of ${framework}`, () => {
    beforeEach(holdClock)
    afterEach(async () => {
      letClockGo()
      await closeSites()
    })

    for (const status of [401, 403, 404, 410, 429]) {
      it(`are refused with ${status}, and get nothing stale instead`, async () => {
        const site = await serve(framework, {
          cache: { ttl: 1, staleIfError: 60 },
          express: {
            after: [
              (req, res, next) => {
                if (req.get('x-no')) res.status(status).send('refused')
                else next()
              },
            ],
          },
          koa: {
            after: [
              async (ctx, next) => {
                if (ctx.get('x-no')) throw failure(status)
                await next()
              },
            ],
          },
        })
        await site.get('/a')
        later(5)
        const reply = await site.get('/a', { headers: { 'x-no': '1' } })
        assert.notEqual(reply.body, 'run 1')
        assert.ok(reply.status >= 400)
      })
    }

    it('join a stream as a whole, whichever part they ask for', async () => {
      const source = new PassThrough()
      const site = await serve(framework, {
        cache: { ttl: 60 },
        handle(run) {
          run.set('Content-Type', 'text/event-stream')
          run.send(200, source)
        },
      })
      const leader = streamed(site.port, '/a')
      await eventually('it runs', async () => site.runs === 1 || undefined)
      source.write(event(1))
      await leader.first
      const joined = site.get('/a', { headers: { host: 'x.test', range: 'bytes=2-3' } })
      await eventually('it came', async () => site.asked === 2 || undefined)
      await turn()
      source.end(event(2))
      const { status, body, headers } = await joined
      assert.deepEqual([status, body, site.runs], [200, event(1) + event(2), 1])
      assert.equal(headers['content-range'], undefined)
    })

    it('join a stream that they know already, and are told so', async () => {
      const source = new PassThrough()
      const site = await serve(framework, {
        cache: { ttl: 60 },
        handle(run) {
          run.set('Content-Type', 'text/event-stream')
          run.set('ETag', '"1"')
          run.send(200, source)
        },
      })
      const leader = streamed(site.port, '/a')
      await eventually('it runs', async () => site.runs === 1 || undefined)
      source.write(event(1))
      await leader.first
      const { status, body } = await site.get('/a', {
        headers: { host: 'x.test', 'if-none-match': '"1"' },
      })
      assert.deepEqual([status, body, site.runs], [304, '', 1])
      source.end()
      await leader.whole
    })

    it('never read along what a middleware outside gives a cookie as it goes out', async () => {
      const sources: PassThrough[] = []
      const site = await serve(framework, {
        cache: { ttl: 60 },
        express: {
          before: [
            (req, res, next) => {
              const { writeHead } = res
              if (req.get('x-new'))
                res.writeHead = ((...args: Parameters<typeof writeHead>) => {
                  res.setHeader('Set-Cookie', 'id=1')
                  return writeHead.apply(res, args)
                }) as typeof writeHead
              next()
            },
          ],
        },
        koa: {
          before: [
            async (ctx, next) => {
              await next()
              if (ctx.get('x-new')) ctx.set('Set-Cookie', 'id=1')
            },
          ],
        },
        handle(run) {
          const source = new PassThrough()
          sources.push(source)
          run.set('Content-Type', 'text/event-stream')
          run.send(200, source)
        },
      })
      const leader = streamed(site.port, '/a', { 'x-new': '1' })
      await eventually('it runs', async () => sources[0])
      const early = streamed(site.port, '/a')
      await eventually('it came', async () => site.asked === 2 || undefined)
      await turn()
      sources[0]?.write('data: mine\n\n')
      await leader.first
      const late = streamed(site.port, '/a')
      await eventually('both run', async () => site.runs === 3 || undefined)
      for (const [at, source] of sources.entries()) source.end(`data: ${at}\n\n`)
      const bodies = [String(await early.whole), String(await late.whole)]
      assert.ok(!bodies.join('').includes('mine'), bodies.join())
    })

    it('do not write into what others are answered with', async () => {
      const masked = (bytes: unknown) => {
        if (bytes instanceof Uint8Array) bytes.fill(120)
      }
      const site = await serve(framework, {
        cache: { ttl: 60 },
        express: {
          before: [
            (req, res, next) => {
              const { end } = res
              if (req.get('x-mask'))
                res.end = ((...args: Parameters<typeof end>) => {
                  masked(args[0])
                  return end.apply(res, args)
                }) as typeof end
              next()
            },
          ],
        },
        koa: {
          before: [
            async (ctx, next) => {
              await next()
              if (ctx.get('x-mask')) masked(ctx.body)
            },
          ],
        },
        handle: (run) => run.send(200, `run ${run.number}`),
      })
      await site.get('/a')
      assert.equal(String((await site.get('/a')).body), 'run 1')
      assert.equal(String((await site.get('/a', { headers: { 'x-mask': '1' } })).body), 'xxxxx')
      assert.equal(String((await site.get('/a')).body), 'run 1')
    })

    it('do not write into what others read along', async () => {
      const source = new PassThrough()
      const masked = (bytes: unknown) => {
        if (bytes instanceof Uint8Array) bytes.fill(120)
      }
      const site = await serve(framework, {
        cache: { ttl: 60 },
        express: {
          before: [
            (req, res, next) => {
              const { write } = res
              if (req.get('x-mask'))
                res.write = ((...args: Parameters<typeof write>) => {
                  masked(args[0])
                  return write.apply(res, args)
                }) as typeof write
              next()
            },
          ],
        },
        koa: {
          before: [
            async (ctx, next) => {
              await next()
              if (ctx.get('x-mask') && ctx.body instanceof Object && 'on' in ctx.body)
                (ctx.body as PassThrough).prependListener('data', masked)
            },
          ],
        },
        handle(run) {
          run.set('Content-Type', 'text/event-stream')
          run.send(200, source)
        },
      })
      const leader = streamed(site.port, '/a')
      await eventually('it runs', async () => site.runs === 1 || undefined)
      source.write(event(1))
      await leader.first
      const masking = streamed(site.port, '/a', { 'x-mask': '1' })
      await masking.first
      const other = streamed(site.port, '/a')
      assert.equal(String(await other.first), event(1))
      source.end(event(2))
      await Promise.all([leader.whole, masking.whole, other.whole])
      const kept = await site.get('/a', { headers: { host: 'x.test' } })
      assert.equal(kept.body, event(1) + event(2))
    })

    for (const line of ['no-store', 'private', 'private, no-store']) {
      it(`are told ${line} with the answer that a 304 says that of`, async () => {
        const site = await serve(framework, {
          cache: {},
          handle(run) {
            run.set('ETag', '"1"')
            run.set('Cache-Control', run.number === 1 ? 'public, max-age=10' : line)
            run.send(run.headers['if-none-match'] ? 304 : 200, 'whole')
          },
        })
        await site.get('/a')
        later(20)
        const reply = await site.get('/a')
        assert.deepEqual([reply.status, reply.body], [200, 'whole'])
        assert.equal(reply.headers['cache-control'], line)
      })
    }

    it('do not get what a 304 says is for another language only', async () => {
      const { opened, open } = gate()
      const site = await serve(framework, {
        cache: {},
        async handle(run: Run) {
          const language = run.headers['accept-language'] ?? '-'
          run.set('Cache-Control', 'max-age=10')
          run.set('ETag', `"${language}"`)
          if (run.number === 1) return run.send(200, 'de')
          run.set('Vary', 'Accept-Language')
          if (run.number === 2) await opened
          if (language === 'de' && run.headers['if-none-match']) return run.send(304)
          run.send(200, language)
          return undefined
        },
      })
      const speaking = (language: string) =>
        site.get('/a', { headers: { 'accept-language': language } })
      await speaking('de')
      later(20)
      const first = speaking('de')
      await eventually('it runs', async () => site.runs === 2 || undefined)
      const second = speaking('en')
      await eventually('it came', async () => site.asked === 3 || undefined)
      await turn()
      open()
      assert.deepEqual([(await first).body, (await second).body], ['de', 'en'])
    })

    it('that change something by its whole address change what is stored of its path', async () => {
      const site = await serve(framework, {
        cache: { ttl: 60 },
        handle: (run) => run.send(200, `${run.method} ${run.number}`),
      })
      const headers = { host: 'x.test' }
      await site.get('/a', { headers })
      await site.get('http://x.test/a', { method: 'POST', headers })
      assert.equal((await site.get('/a', { headers })).body, 'GET 3')
      await site.get('http://x.test/a', { headers })
      await site.purge({ url: '/a' })
      assert.equal((await site.get('http://x.test/a', { headers })).body, 'GET 5')
    })

    for (const status of [401, 403, 404, 451]) {
      it(`get nothing stale of their own any more once they were answered ${status}`, async () => {
        const site = await serve(framework, {
          cache: { ttl: 1, scope: 'user', staleIfError: 60 },
          handle(run) {
            run.send([200, status, 503][run.number - 1] ?? 200, `run ${run.number}`)
          },
        })
        const headers = { 'x-user': 'ann' }
        await site.get('/a', { headers })
        later(5)
        assert.equal((await site.get('/a', { headers })).status, status)
        assert.equal((await site.get('/a', { headers })).status, 503)
      })

      it(`get nothing stale any more once a run behind it was answered ${status}`, async () => {
        const site = await serve(framework, {
          cache: { ttl: 1, scope: 'user', staleWhileRevalidate: 60 },
          handle(run) {
            run.send(run.number === 1 ? 200 : status, `run ${run.number}`)
          },
        })
        const headers = { 'x-user': 'ann' }
        await site.get('/a', { headers })
        later(5)
        assert.equal((await site.get('/a', { headers })).status, 200)
        await eventually('it is refused', async () => {
          const reply = await site.get('/a', { headers })
          return reply.status === status || undefined
        })
      })
    }

    it('get nothing stale any more once a run behind it has thrown a 403', async () => {
      let revoked = false
      const site = await serve(framework, {
        cache: { ttl: 1, scope: 'user', staleWhileRevalidate: 60 },
        express: {
          after: [
            (_req, res, next) => {
              if (revoked) res.status(403).send('refused')
              else next()
            },
          ],
        },
        koa: {
          after: [
            async (_ctx, next) => {
              if (revoked) throw failure(403)
              await next()
            },
          ],
        },
      })
      const headers = { 'x-user': 'ann' }
      await site.get('/a', { headers })
      later(5)
      revoked = true
      assert.equal((await site.get('/a', { headers })).status, 200)
      await eventually('it is refused', async () => {
        const reply = await site.get('/a', { headers })
        return reply.status === 403 || undefined
      })
    })

    it('get what was softly purged for no longer than what is stale', async () => {
      const site = await serve(framework, {
        cache: { ttl: 3600, staleWhileRevalidate: 10, tags: ['a'] },
        handle(run) {
          if (run.number > 1) run.cache.noStore()
          run.send(200, `run ${run.number}`)
        },
      })
      await site.get('/a')
      await site.purge({ tags: ['a'], soft: true })
      later(5)
      assert.equal((await site.get('/a')).body, 'run 1')
      later(60)
      assert.notEqual((await site.get('/a')).body, 'run 1')
    })

    it('resume no stream in which their last event is not', async () => {
      const sources: PassThrough[] = []
      const site = await serve(framework, {
        cache: { ttl: 60 },
        handle(run) {
          const source = new PassThrough()
          sources.push(source)
          run.set('Content-Type', 'text/event-stream')
          run.send(200, source)
        },
      })
      const leader = streamed(site.port, '/a')
      await eventually('it runs', async () => sources[0])
      sources[0]?.write(event(1))
      await leader.first
      const other = streamed(site.port, '/a', { 'last-event-id': '77' })
      const own = await eventually('it runs for the other', async () => sources[1])
      own.end(event(78))
      assert.equal(String(await other.whole), event(78))
      sources[0]?.end()
      await leader.whole
    })

    it('with a name of their own drop nothing by a HEAD that is theirs', async () => {
      const site = await serve(framework, {
        cache: {},
        handle(run) {
          const tag = `"${run.headers['x-api-key'] ?? 'all'}"`
          run.set('Cache-Control', 'no-cache')
          run.set('ETag', tag)
          run.send(run.headers['if-none-match'] === tag ? 304 : 200, `run ${run.number}`)
        },
      })
      await site.get('/a')
      await site.get('/a', { method: 'HEAD', headers: { 'x-api-key': 'mine' } })
      assert.equal((await site.get('/a')).body, 'run 1')
    })
  })
}

function failure(status: number): Error {
  return Object.assign(new Error('refused'), { status, expose: false })
}
