import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { of } from '../cache/pairs.ts'
import { closeSites, frameworks, type Run } from '../cache/site.ts'
import { eventually } from '../support/eventually.ts'
import { latch } from '../support/latch.ts'
import { bothProviders } from '../support/stores.ts'
import { type PaperSite, serve, streamed } from './cache-paper/paper-site.ts'

const there = of('host', 'x.test')

const running = (site: PaperSite, runs: number): Promise<unknown> =>
  eventually(`run ${runs}`, async () => site.runs >= runs || undefined, { everyMs: 2 })

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`cacheResponse on ${framework} and ${provider.name}: the duty to make an answer`, () => {
      let store: Store
      const rejections: unknown[] = []
      const note = (error: unknown): void => void rejections.push(error)

      before(provider.start)
      beforeEach(async () => {
        store = await provider.empty()
        rejections.length = 0
        process.on('unhandledRejection', note)
      })
      afterEach(async () => {
        await closeSites()
        process.off('unhandledRejection', note)
        assert.deepEqual(rejections, [])
      })
      after(provider.stop)

      it('ends with a client that leaves before its response has its turn', async () => {
        const held = latch()
        const site = await serve(framework, {
          cache: { ttl: 60, store },
          async handle(run) {
            if (run.number < 3) await held.opened
            run.send(200, `run ${run.number}`)
          },
        })
        const socket = connect(site.port, '127.0.0.1')
        await once(socket, 'connect')
        const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x.test\r\n\r\n`
        socket.write(ask('/first') + ask('/a'))
        await running(site, 2)
        socket.destroy()
        assert.equal((await site.get('/a', there)).body, 'run 3')
        held.open()
      })

      /** A site whose first answer is stale. */
      async function stale(handle: (run: Run) => unknown): Promise<PaperSite> {
        const site = await serve(framework, {
          cache: { ttl: 60, store },
          async handle(run) {
            run.set('Cache-Control', 'max-age=60, stale-while-revalidate=60')
            await handle(run)
          },
        })
        await site.get('/a', there)
        await site.purge({ url: '/a', soft: true })
        return site
      }

      it('is not taken behind a client that left amid a stale answer', async () => {
        const whole = Buffer.alloc(900_000, 'x')
        const site = await stale((run) => run.send(200, whole))
        const leaving = streamed(site.port, '/a')
        await leaving.first
        leaving.leave()
        await eventually('another run', async () => {
          await site.get('/a', there)
          return site.runs >= 2 || undefined
        })
      })

      const failures: readonly (readonly [string, (run: Run) => unknown])[] = [
        ['destroys its response', (run) => void run.raw.destroy()],
        [
          'breaks off',
          (run) => {
            run.raw.write('half')
            run.raw.destroy()
          },
        ],
      ]
      for (const [says, fail] of failures)
        it(`ends with a run in the background that ${says}`, async () => {
          const site = await stale((run) => {
            if (run.number === 2) return fail(run)
            return run.send(200, `run ${run.number}`)
          })
          assert.equal((await site.get('/a', there)).body, 'run 1')
          await running(site, 2)
          await eventually(
            'another run',
            async () => {
              await site.get('/a', there)
              return site.runs >= 3 || undefined
            },
            { withinMs: 9000 },
          )
        })

      it('ends where the request cannot be prepared for the handler', async () => {
        let freeze = true
        const site = await serve(framework, {
          cache: { ttl: 60, store },
          express: {
            before: [
              (req, _res, next) => {
                if (freeze) Object.freeze(req.headers)
                next()
              },
            ],
          },
          koa: {
            before: [
              async (ctx, next) => {
                if (freeze) Object.freeze(ctx.req.headers)
                await next()
              },
            ],
          },
        })
        const conditional = of('if-none-match', '"a"', there)
        await site.get('/a', conditional)
        freeze = false
        assert.match((await site.get('/a', there)).body, /^run \d$/)
      })
    })
  }
}
