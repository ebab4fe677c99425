import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { type PaperOptions, serve, streamed, twoStores } from '../faults/cache-paper/paper-site.ts'
import { eventually } from '../support/eventually.ts'
import { closeSites, frameworks, type Run } from './site.ts'

const event = `data: ${'x'.repeat(64 * 1024)}\n\n`
const events = 200

/** Asks, and reads nothing of what comes. */
async function neverReads(port: number, path: string): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1')
  socket.pause()
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x.test\r\n\r\n`)
  return socket
}

/** More than any connection holds on its way, as fast as it is taken. */
function longStream(taken: { bytes: number }, most = events): Readable {
  let left = most
  return new Readable({
    highWaterMark: event.length,
    read() {
      left -= 1
      taken.bytes += left < 0 ? 0 : event.length
      // Who reads along keeps up.
      setTimeout(() => this.push(left < 0 ? null : event), 1)
    },
  })
}

/** Resolves once a handler is held back by its client. */
async function heldBack(taken: { bytes: number }): Promise<void> {
  let before = -1
  await eventually(
    'the handler is held back',
    async () => {
      const now = taken.bytes
      const held = now === before && now > 0
      before = now
      return held || undefined
    },
    { everyMs: 100 },
  )
}

for (const framework of frameworks) {
  describe(`The cache under pressure on ${framework}`, () => {
    const sockets: net.Socket[] = []

    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.destroy()
      await closeSites()
    })

    it('lets those who read a stream go on where the client that asked first reads nothing', async () => {
      const taken = { bytes: 0 }
      const site = await serve(framework, {
        cache: { ttl: 60, maxEntry: 32 * 1024 * 1024 },
        handle(run) {
          run.set('Content-Type', 'text/event-stream')
          run.send(200, longStream(taken))
        },
      })
      sockets.push(await neverReads(site.port, '/'))
      await heldBack(taken)
      assert.ok(taken.bytes < events * event.length)
      const whole = await streamed(site.port, '/').whole
      assert.equal(whole.length, events * event.length)
      assert.equal(site.runs, 1)
    })

    it('holds no more than maxEntry back for a client that reads nothing', async () => {
      const taken = { bytes: 0 }
      const maxEntry = 1024 * 1024
      let raw: Run['raw'] | undefined
      const site = await serve(framework, {
        cache: { ttl: 60, maxEntry },
        express: {
          before: [
            (_req, res, next) => {
              raw ??= res
              next()
            },
          ],
        },
        koa: {
          before: [
            (ctx, next) => {
              raw ??= ctx.res
              return next()
            },
          ],
        },
        async handle(run) {
          run.set('Content-Type', 'text/event-stream')
          const body = new PassThrough()
          run.send(200, body)
          body.write(event)
          await eventually('another reads along', async () => site.asked === 2 || undefined)
          longStream(taken, 5 * events).pipe(body)
        },
      })
      sockets.push(await neverReads(site.port, '/'))
      await eventually('the handler runs', async () => site.runs === 1 || undefined)
      const reader = streamed(site.port, '/')
      await reader.first
      await heldBack(taken)
      assert.ok(Number(raw?.writableLength) < 2 * maxEntry, String(raw?.writableLength))
      reader.leave()
    })

    it('answers by what stands in where the handler writes two heads', async () => {
      const refused: unknown[] = []
      const site = await serve(framework, {
        handle(run) {
          if (run.number > 1) {
            const { raw } = run
            raw.writeHead(503)
            try {
              raw.writeHead(500)
            } catch (error) {
              refused.push(Object(error).code)
            }
            raw.end('failed')
            return
          }
          run.set('Cache-Control', 'max-age=0, stale-if-error=60')
          run.set('ETag', '"a"')
          run.send(200, 'fine')
        },
      })
      await site.get('/')
      const { status, body } = await site.get('/')
      assert.deepEqual([status, body, refused], [200, 'fine', ['ERR_HTTP_HEADERS_SENT']])
    })

    it('answers in whole by a stream that stands in where the handler ends twice', async () => {
      const site = await serve(framework, {
        cache: { stream: { replay: 'original' } },
        async handle(run) {
          const { raw } = run
          if (run.number > 1) {
            raw.writeHead(503)
            raw.end()
            raw.end()
            return
          }
          raw.statusCode = 200
          raw.setHeader('Cache-Control', 'max-age=0, stale-if-error=60')
          raw.setHeader('Content-Type', 'text/event-stream')
          raw.setHeader('ETag', '"a"')
          for (const each of ['data: 1\n\n', 'data: 2\n\n']) {
            raw.write(each)
            await pause(20)
          }
          raw.end()
        },
      })
      await site.get('/')
      const { status, body } = await site.get('/')
      assert.deepEqual([status, body], [200, 'data: 1\n\ndata: 2\n\n'])
    })

    const late: readonly (readonly [string, PaperOptions])[] = [
      ['ttl', { ttl: (async () => assert.fail('late')) as never }],
      ['tags', { ttl: 60, tags: (async () => assert.fail('late')) as never }],
      ['complete', { ttl: 60, stream: { complete: (async () => assert.fail('late')) as never } }],
    ]
    for (const [name, cache] of late) {
      it(`survives a promise from ${name}, and stores nothing on it`, async () => {
        const rejected: unknown[] = []
        const hear = (error: unknown): void => void rejected.push(error)
        const others = process.listeners('unhandledRejection')
        process.removeAllListeners('unhandledRejection')
        process.on('unhandledRejection', hear)
        try {
          const site = await serve(framework, {
            cache,
            handle(run) {
              run.set('Content-Type', 'text/event-stream')
              run.send(200, `data: ${run.number}\n\n`)
            },
          })
          assert.equal((await site.get('/')).body, 'data: 1\n\n')
          assert.equal((await site.get('/')).body, 'data: 2\n\n')
          await pause(0)
        } finally {
          process.removeListener('unhandledRejection', hear)
          for (const each of others) process.on('unhandledRejection', each)
        }
        assert.deepEqual(rejected, [])
      })
    }
  })
}

describe('A body that comes slowly', () => {
  afterEach(closeSites)

  it('keeps nobody waiting in another process', async () => {
    const { stores, close } = await twoStores()
    try {
      const bodies: PassThrough[] = []
      const open = (store: (typeof stores)[number]) =>
        serve('express', {
          cache: { store, ttl: 60 },
          handle(run) {
            if (bodies.length > 0) return run.send(200, 'another')
            const body = new PassThrough()
            bodies.push(body)
            run.set('Content-Type', 'text/plain')
            run.send(200, body)
            body.write('slow')
          },
        })
      const [one, other] = [await open(stores[0]), await open(stores[1])]
      const slow = streamed(one.port, '/')
      await slow.first
      const reply = await other.get('/', { headers: { host: 'x.test' } })
      assert.equal(reply.body, 'another')
      bodies[0]?.end(' and whole')
      assert.equal(String(await slow.whole), 'slow and whole')
      await eventually('it is kept', async () => {
        const { body } = await other.get('/', { headers: { host: 'x.test' } })
        return body === 'another' || body === 'slow and whole' || undefined
      })
    } finally {
      await closeSites()
      await close()
    }
  })
})
