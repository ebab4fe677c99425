import assert from 'node:assert/strict'
import http from 'node:http'
import { PassThrough } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { Middleware } from 'koa'
import { counting } from './pairs.ts'
import { closeSites, fact, frameworks, type Run } from './site.ts'

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(2)
}

/** A request whose first bytes are there, and which goes on. */
function begun(port: number, path: string): Promise<http.ClientRequest> {
  return new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, path, agent: false }, (res) => {
      res.on('error', () => undefined)
      res.once('data', () => resolve(req))
    })
    req.on('error', reject)
  })
}

/** Counts up the fifth byte of what a middleware outside is handed. */
function countUp(body: unknown): void {
  if (Buffer.isBuffer(body)) body[4] = (body[4] ?? 0) + 1
}

const writesIntoBody: Middleware = async (ctx, next) => {
  await next()
  countUp(ctx.body)
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: how long requests wait for another's answer`, () => {
    afterEach(closeSites)

    for (const type of ['text/event-stream', 'application/x-ndjson']) {
      it(`reads a stream of ${type} along while it grows`, async () => {
        const bodies: PassThrough[] = []
        const site = await counting(framework, {
          async handle(run) {
            await wait(20)
            const body = new PassThrough()
            bodies.push(body)
            body.write('first')
            run.set('Content-Type', type)
            run.send(200, body)
          },
        })
        const asked = await Promise.all(Array.from({ length: 5 }, () => begun(site.port, '/a')))
        for (const each of asked) each.on('error', () => undefined).destroy()
        for (const body of bodies) body.destroy()
        assert.equal(site.runs, 1)
      })
    }

    it('waits a second for the rest of a body, and keeps it when it comes', async () => {
      const bodies: PassThrough[] = []
      const site = await counting(framework, {
        handle(run: Run) {
          const body = new PassThrough()
          bodies.push(body)
          body.write('run ')
          if (bodies.length > 1) body.end(String(run.number))
          run.send(200, body)
        },
      })
      const started = Date.now()
      const first = site.get('/a')
      await until(() => site.runs === 1)
      const replies = await Promise.all([site.get('/a'), site.get('/a')])
      const waited = Date.now() - started
      assert.ok(waited > 900 && waited < 2000, `${waited} ms`)
      assert.deepEqual(replies.map(({ body }) => body).sort(), ['run 2', 'run 3'])
      bodies[0]?.end('1')
      assert.equal((await first).body, 'run 1')
      assert.match(fact(await site.get('/a')), /hit/)
    })

    it('lets all run at once as soon as the handler throws', async () => {
      let release = (): void => {}
      const failed = new Promise<void>((resolve) => {
        release = resolve
      })
      const site = await counting(framework, {
        async handle(run) {
          await wait(20)
          if (run.number === 1) throw new Error('no answer')
          await failed
          run.send(200, `run ${run.number}`)
        },
      })
      const asked = Array.from({ length: 8 }, () => site.get('/a'))
      await until(() => site.runs === 8)
      release()
      const replies = await Promise.all(asked)
      assert.equal(replies.filter(({ status }) => status === 200).length, 7)
      await wait(20)
    })

    it('gives each who waits bytes of its own', async () => {
      const site = await counting(framework, {
        express: {
          before: [
            (_req, res, next) => {
              const { end } = res
              res.end = ((...args: unknown[]) => {
                countUp(args[0])
                return Reflect.apply(end, res, args)
              }) as typeof end
              next()
            },
          ],
        },
        koa: { before: [writesIntoBody] },
        async handle(run) {
          await wait(20)
          run.send(200, Buffer.from(`run ${run.number}`))
        },
      })
      const asked = await Promise.all(Array.from({ length: 4 }, () => site.get('/a')))
      const later = await site.get('/a')
      assert.deepEqual(
        [...asked, later].map(({ body }) => body),
        Array.from({ length: 5 }, () => 'run 2'),
      )
    })
  })
}
