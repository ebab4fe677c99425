import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type ServerResponse } from 'node:http'
import { finished, PassThrough, pipeline, Readable } from 'node:stream'
import { pipeline as piped } from 'node:stream/promises'
import { eventually } from '../support/eventually.ts'
import { openStale } from './observed.ts'
import { closeSites, frameworks, type Run } from './site.ts'

for (const framework of frameworks) {
  describe(`A run in the background on ${framework}`, () => {
    afterEach(closeSites)

    const source = () => Readable.from(['the ', 'answer'])
    const ways: readonly (readonly [string, (run: Run) => unknown])[] = [
      ['what the framework sends', (run) => run.send(201, 'the answer')],
      ['a stream', (run) => run.send(201, source())],
      [
        'write and end',
        ({ raw }) => {
          raw.writeHead(201)
          raw.write('the ')
          raw.end('answer')
        },
      ],
      ['an implicit head', ({ raw }) => Object.assign(raw, { statusCode: 201 }).end('the answer')],
      [
        'a head of lists, flushed, and pieces later',
        ({ raw }) => {
          raw.writeHead(201, ['X-List', '1', 'X-List', '2'])
          raw.flushHeaders()
          setTimeout(() => {
            raw.write('the ', () => raw.end('answer'))
          }, 2)
        },
      ],
      [
        'pipe',
        ({ raw }) => {
          raw.statusCode = 201
          source().pipe(raw)
        },
      ],
      [
        'pipeline',
        async ({ raw }) => {
          raw.statusCode = 201
          await piped(source(), raw)
        },
      ],
      [
        'pieces that wait for drain',
        async ({ raw }) => {
          raw.statusCode = 201
          for (const text of ['the ', 'answer']) if (!raw.write(text)) await once(raw, 'drain')
          raw.end()
        },
      ],
    ]
    for (const [says, handle] of ways) {
      it(`goes to the observer alone: ${says}`, async () => {
        const { get, ended } = await openStale(framework, handle)
        const { status, body, headers } = await get('/')
        const { status: told, body: bytes, fields, ends } = await ended()
        assert.deepEqual([status, body, headers['x-stale']], [203, 'stale', 'yes'])
        assert.deepEqual([told, String(bytes), ends], [201, 'the answer', [true]])
        assert.deepEqual([fields['x-stale'], fields['x-outer']], [undefined, undefined])
      })
    }

    it('takes more than a connection holds', async () => {
      const size = 300_000
      const { get, ended } = await openStale(framework, async ({ raw }) => {
        for (let at = 0; at < size; at += 10_000)
          if (!raw.write(Buffer.alloc(10_000))) await once(raw, 'drain')
        raw.end()
      })
      await get('/')
      assert.equal((await ended()).body.length, size)
    })

    it('looks like any other to its handler', async () => {
      const seen: unknown[] = []
      const look = (raw: ServerResponse) =>
        seen.push(
          [raw.headersSent, raw.writableEnded, raw.finished, raw.destroyed, raw.closed],
          [raw.writable, raw.socket?.remoteAddress, raw.socket?.writable, raw.getHeader('x-outer')],
        )
      const { get, ended } = await openStale(framework, ({ raw }) => {
        look(raw)
        raw.on('finish', () => seen.push('finish')).on('close', () => seen.push('close'))
        finished(raw, (error) => seen.push(['finished', error]))
        raw.write('a')
        seen.push(raw.headersSent)
        raw.end('b', () => seen.push('ended'))
        seen.push(raw.writableEnded)
        raw.end()
      })
      await get('/')
      await ended()
      await eventually('the end', async () => seen.find((each) => each === 'close'))
      await new Promise(setImmediate)
      assert.deepEqual(seen.slice(0, 4), [
        [false, false, false, false, false],
        [true, '127.0.0.1', true, 'outer'],
        true,
        true,
      ])
      assert.deepEqual(seen.filter((each) => typeof each === 'string').sort(), [
        'close',
        'ended',
        'finish',
      ])
      assert.deepEqual(seen.filter(Array.isArray).slice(2), [['finished', undefined]])
    })

    it('happens when the answer is out, after all who watch it', async () => {
      const order: string[] = []
      const watch = (res: ServerResponse): void => {
        res.on('finish', () => order.push('finish')).on('close', () => order.push('close'))
      }
      const { get, ended } = await openStale(
        framework,
        (run) => {
          order.push('run')
          run.send(200, 'x')
        },
        {
          express: { before: [(_req, res, next) => next(void watch(res))] },
          koa: {
            before: [
              (ctx, next) => {
                watch(ctx.res)
                return next()
              },
            ],
          },
        },
      )
      await get('/')
      await ended()
      assert.deepEqual(order, ['finish', 'close', 'run'])
    })

    it('is not seen by middlewares that wrapped the response', async () => {
      const seen: string[] = []
      const wrap = (res: ServerResponse): void => {
        for (const name of ['write', 'end', 'writeHead', 'setHeader'] as const) {
          const original = res[name] as (...args: unknown[]) => unknown
          Object.assign(res, {
            [name](...args: unknown[]) {
              seen.push(`${name} ${args[0]}`)
              return Reflect.apply(original, res, args)
            },
          })
        }
      }
      const { get, ended } = await openStale(framework, ({ raw }) => raw.end('secret'), {
        express: { before: [(_req, res, next) => next(void wrap(res))] },
        koa: {
          before: [
            (ctx, next) => {
              wrap(ctx.res)
              return next()
            },
          ],
        },
      })
      await get('/')
      const sent = seen.length
      assert.equal(String((await ended()).body), 'secret')
      assert.equal(seen.length, sent)
    })

    it('leaves the next request on the connection alone', async () => {
      let release = (): void => undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      const { get, ended, witnesses } = await openStale(framework, async ({ raw }) => {
        raw.write('half')
        await held
        raw.req.socket.destroy()
      })
      await get('/', { agent })
      await eventually('it runs', async () => witnesses[0]?.body.length || undefined)
      const second = get('/', { agent })
      release()
      assert.equal((await second).body, 'stale')
      const { ends } = await ended()
      assert.deepEqual(ends, [false])
      assert.equal((await get('/', { agent })).body, 'stale')
      agent.destroy()
    })

    for (const [says, fail] of [
      ['destroyed', (raw: ServerResponse) => raw.destroy(new Error('gone'))],
      ['with its socket', (raw: ServerResponse) => raw.socket?.destroy()],
      [
        'a pipeline whose source fails',
        (raw: ServerResponse) => {
          const failing = new PassThrough()
          pipeline(failing, raw, () => undefined)
          failing.write('half')
          setTimeout(() => failing.destroy(new Error('gone')), 2)
        },
      ],
    ] as const) {
      it(`is told to have broken off: ${says}`, async () => {
        const { get, ended } = await openStale(framework, ({ raw }) => void fail(raw))
        assert.equal((await get('/')).body, 'stale')
        assert.deepEqual((await ended()).ends, [false])
      })
    }

    it('answers a HEAD', async () => {
      const { get, ended } = await openStale(framework, (run) => run.send(200, 'body'))
      assert.equal((await get('/', { method: 'HEAD' })).status, 203)
      const { body, ends } = await ended()
      assert.deepEqual([body.length, ends], [0, [true]])
    })

    it('knows its request', async () => {
      const seen: unknown[] = []
      const { get, ended } = await openStale(framework, (run) => {
        seen.push(run.method, run.url, run.headers['x-a'])
        run.send(200, 'x')
      })
      await get('/a/b?c=d', { headers: { 'x-a': 'a' } })
      await ended()
      assert.deepEqual(seen, ['GET', '/a/b?c=d', 'a'])
    })
  })
}
