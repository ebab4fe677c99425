import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { PassThrough, pipeline, Readable } from 'node:stream'
import { pipeline as piped } from 'node:stream/promises'
import { ReadableStream } from 'node:stream/web'
import type { Context } from 'koa'
import { eventually } from '../support/eventually.ts'
import { openDeciding, StandIn, type StandInPlan } from './observed.ts'
import { closeSites, frameworks, type Plan, type Run } from './site.ts'

const failing = (): Readable =>
  new Readable({
    read() {
      setImmediate(() => this.destroy(new Error('gone')))
    },
  })

const outer = () => ({ 'x-outer': 'outer', 'set-cookie': 'outer=1' })

for (const framework of frameworks) {
  describe(`An answer withheld on ${framework}`, () => {
    let witness: StandIn | undefined
    const told = (): StandIn => witness ?? assert.fail('no observer')

    afterEach(async () => {
      witness = undefined
      await closeSites()
    })

    function serve(handle: Plan['handle'], plan: Partial<Plan> = {}, standIn?: StandInPlan) {
      const decide = (exchange: ConstructorParameters<typeof StandIn>[0]) => {
        witness = new StandIn(exchange, standIn)
        return { observe: witness }
      }
      return openDeciding(framework, decide, { outer, handle, ...plan })
    }

    const ways: readonly (readonly [string, (run: Run) => unknown])[] = [
      ['what the framework sends', (run) => run.send(503, 'the failure')],
      ['a stream', (run) => run.send(503, Readable.from(['the ', 'failure']))],
      [
        'write and end',
        ({ raw }) => {
          raw.writeHead(503)
          raw.write('the ')
          raw.end('failure')
        },
      ],
      [
        'implicit heads',
        ({ raw }) => void Object.assign(raw, { statusCode: 503 }).end('the failure'),
      ],
      [
        'flushHeaders first',
        ({ raw }) => {
          raw.statusCode = 503
          raw.flushHeaders()
          setTimeout(() => raw.end('the failure'), 2)
        },
      ],
      [
        'pipe',
        ({ raw }) => {
          raw.statusCode = 503
          Readable.from(['the ', 'failure']).pipe(raw)
        },
      ],
      [
        'pipeline',
        ({ raw }) => {
          raw.statusCode = 503
          pipeline(Readable.from(['the ', 'failure']), raw, () => undefined)
        },
      ],
      [
        'a head later, and 1xx before it',
        ({ raw }) => {
          raw.writeProcessing()
          setTimeout(() => {
            raw.writeHead(503, 'Away', ['X-Inner', 'inner'])
            raw.write('the ', () => raw.end('failure'))
          }, 2)
        },
      ],
    ]
    for (const [says, handle] of ways) {
      it(`goes to the observer alone: ${says}`, async () => {
        const { get } = await serve(handle)
        const { status, headers, body } = await get('/')
        assert.deepEqual([status, body, headers['x-stale']], [203, 'stale', 'yes'])
        assert.deepEqual([headers['x-inner'], headers['x-outer']], [undefined, 'outer'])
        assert.deepEqual([told().status, String(told().body)], [503, 'the failure'])
        assert.deepEqual(told().ends, [true])
      })
    }

    it('takes back its fields, but for its cookies', async () => {
      const { get } = await serve((run) => {
        run.set('x-outer', 'inner')
        run.set('x-inner', 'inner')
        run.set('set-cookie', ['outer=1', 'inner=2'])
        run.send(304)
      })
      const { headers } = await get('/')
      assert.deepEqual([headers['x-outer'], headers['x-inner']], ['outer', undefined])
      assert.deepEqual(headers['set-cookie'], ['outer=1', 'inner=2'])
    })

    it('keeps its cookies where there were none', async () => {
      const { get } = await serve(
        (run) => {
          run.set('set-cookie', 'inner=2')
          run.send(304)
        },
        { outer: () => ({}) },
      )
      assert.deepEqual((await get('/')).headers['set-cookie'], ['inner=2'])
    })

    it('takes back what a middleware inside has wrapped', async () => {
      const { get } = await serve(({ raw }) => {
        const { end } = raw
        raw.end = (...args: unknown[]) => Reflect.apply(end, raw, [`wrapped ${args[0]}`])
        raw.end('failure')
      })
      assert.equal((await get('/')).body, 'stale')
      assert.equal(String(told().body), 'wrapped failure')
    })

    it('looks sent to its handler, and its callbacks are called', async () => {
      const seen: unknown[] = []
      const { get } = await serve(({ raw }) => {
        seen.push(
          raw.writeHead(503).headersSent,
          raw.write('a', () => seen.push('written')),
        )
        setTimeout(() => {
          raw.end('b', () => seen.push('ended'))
          seen.push(raw.writableEnded)
          raw.end()
        }, 2)
      })
      assert.equal((await get('/')).body, 'stale')
      assert.deepEqual(seen, [true, true, 'written', true, 'ended'])
      assert.equal(String(told().body), 'ab')
    })

    for (const [method, status] of [
      ['HEAD', 503],
      ['GET', 304],
    ] as const) {
      it(`has no body: ${status} to ${method}`, async () => {
        const { get } = await serve(({ raw }) => {
          raw.writeHead(status)
          raw.write('bo')
          raw.end('dy')
        })
        assert.equal((await get('/', { method })).status, 203)
        assert.deepEqual([told().body.length, told().ends], [0, [true]])
      })
    }

    it('is passed on where the observer does not withhold', async () => {
      const { get } = await serve((run) => run.send(200, 'new'), {}, { head: { 'x-more': 'yes' } })
      const { headers, body } = await get('/')
      assert.deepEqual([headers['x-more'], body, told().ends], ['yes', 'new', [true]])
    })

    it('is over when its client leaves', async () => {
      const { port } = await serve(({ raw }) => {
        raw.writeHead(503)
        raw.write('half')
      })
      const req = http.get({ host: '127.0.0.1', port, agent: false }).on('error', () => undefined)
      await eventually('half', async () => (witness && witness.body.length > 0) || undefined)
      req.destroy()
      assert.equal(await eventually('the end', async () => told().ends[0]), false)
    })

    it('lets a middleware inside set its fields, once', async () => {
      let heads = 0
      const { get } = await serve(
        ({ raw }) => {
          const { writeHead } = raw
          raw.writeHead = (...args: unknown[]) => {
            heads += 1
            raw.appendHeader('x-late', 'late')
            return Reflect.apply(writeHead, raw, args)
          }
          raw.end('new')
        },
        {},
        { head: {} },
      )
      const { headers, body } = await get('/')
      assert.deepEqual([heads, headers['x-late'], body], [1, 'late', 'new'])
      assert.equal(told().fields['x-late'], 'late')
    })

    it('is not seen by a middleware outside that wraps the response', async () => {
      const ends: string[] = []
      const wrap = (res: http.ServerResponse): void => {
        const { end } = res
        res.end = (...args: unknown[]) => {
          ends.push(String(args[0]))
          return Reflect.apply(end, res, args)
        }
      }
      const { get } = await serve(({ raw }) => raw.end('the failure'), {
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
      assert.equal((await get('/')).body, 'stale')
      assert.deepEqual(ends, ['stale'])
    })
  })

  describe(`An answer that fails before its head on ${framework}`, () => {
    let witness: StandIn | undefined
    const told = (): StandIn => witness ?? assert.fail('no observer')

    afterEach(async () => {
      witness = undefined
      await closeSites()
    })

    function serve(handle: Plan['handle'], standIn: StandInPlan = { rescue: true, head: {} }) {
      const decide = (exchange: ConstructorParameters<typeof StandIn>[0]) => {
        witness = new StandIn(exchange, standIn)
        return { observe: witness }
      }
      return openDeciding(framework, decide, { outer, handle })
    }

    it('is answered by the observer: destroyed', async () => {
      const { get } = await serve(({ raw }) => {
        raw.setHeader('x-inner', 'inner')
        raw.statusCode = 500
        setTimeout(() => raw.destroy(new Error('gone')), 2)
      })
      const { status, headers, body } = await get('/')
      assert.deepEqual([status, body, headers['x-stale']], [203, 'stale', 'yes'])
      assert.deepEqual([headers['x-inner'], headers['x-outer']], [undefined, 'outer'])
      assert.match(String(told().errors), /gone/)
      assert.deepEqual(told().ends, [])
    })

    it('is answered by the observer: a pipeline whose source fails', async () => {
      const { get } = await serve(({ raw }) => {
        const source = new PassThrough()
        pipeline(source, raw, () => undefined)
        setTimeout(() => source.destroy(new Error('gone')), 2)
      })
      assert.equal((await get('/')).body, 'stale')
    })

    it('is answered whole, whatever its handler still does', async () => {
      const seen: unknown[] = []
      const { get } = await serve(({ raw }) => {
        raw.on('error', (error) => seen.push(error))
        setTimeout(() => {
          raw.destroy()
          raw.destroy()
          raw.req.socket.destroy()
          raw.setHeader('x-late', 'late').writeHead(500)
          raw.write('late')
          raw.end('late', () => seen.push('ended'))
        }, 2)
      })
      assert.equal((await get('/')).body, 'stale')
      assert.deepEqual(seen, ['ended'])
    })

    it('is answered whole where its handler breaks the connection off as well', async () => {
      const body = Buffer.alloc(20_000_000, 'x')
      const { get } = await serve(
        ({ raw }) => {
          setTimeout(() => {
            raw.destroy()
            raw.req.socket.destroy()
          }, 2)
        },
        { rescue: true, head: {}, body },
      )
      assert.equal((await get('/')).body.length, body.length)
    })

    it('has nobody to be answered where the client has left', async () => {
      const { port } = await serve(({ raw }) => {
        raw.req.socket.prependListener('close', () => raw.destroy())
      })
      const req = http.get({ host: '127.0.0.1', port, agent: false }).on('error', () => undefined)
      await eventually('it runs', async () => witness)
      req.destroy()
      assert.equal(await eventually('the end', async () => told().ends[0]), false)
      assert.deepEqual(told().errors, [])
    })

    it('is answered by the observer: destroyed, and then failed', async () => {
      const { get } = await serve(async ({ raw }) => {
        await piped(failing(), raw)
      })
      const { status, body } = await get('/')
      assert.deepEqual([status, body], [203, 'stale'])
    })

    it('is answered by the observer: withheld, and then destroyed', async () => {
      const { get } = await serve(
        ({ raw }) => {
          raw.writeHead(503)
          raw.write('half')
          setTimeout(() => raw.destroy(), 2)
        },
        { rescue: true },
      )
      assert.equal((await get('/')).body, 'stale')
      assert.deepEqual([String(told().body), told().ends], ['half', []])
    })

    for (const [says, standIn] of [
      ['the observer declines', { rescue: false, head: {} }],
      ['it cannot', { head: {} }],
    ] as const) {
      it(`breaks off where ${says}`, async () => {
        const { get } = await serve(({ raw }) => void raw.destroy(), standIn)
        await assert.rejects(get('/'))
        assert.deepEqual(told().ends, [false])
      })
    }

    it('is lost with its socket', async () => {
      const { get } = await serve(({ raw }) => void raw.socket?.destroy())
      await assert.rejects(get('/'))
      assert.equal(await eventually('the end', async () => told().ends[0]), false)
      assert.deepEqual(told().errors, [])
    })

    it('is lost when it breaks off after its head', async () => {
      const { get } = await serve(({ raw }) => {
        raw.write('half')
        setTimeout(() => raw.destroy(), 2)
      })
      await assert.rejects(get('/'))
      assert.equal(await eventually('the end', async () => told().ends[0]), false)
      assert.deepEqual(told().errors, [])
    })
  })
}

describe('A withheld answer of koa', () => {
  let witness: StandIn | undefined
  const seen: unknown[] = []
  const told = (): StandIn => witness ?? assert.fail('no observer')

  afterEach(async () => {
    seen.length = 0
    await closeSites()
  })

  function serve(respond: (ctx: Context) => unknown, standIn?: StandInPlan) {
    return openDeciding(
      'koa',
      (exchange) => {
        witness = new StandIn(exchange, standIn)
        return { observe: witness }
      },
      {
        outer,
        koa: {
          before: [
            async (ctx, next) => {
              await next().catch((error: Error) => {
                seen.push(error.message, ctx.status, ctx.body)
                throw error
              })
              seen.push(ctx.status, String(ctx.body))
            },
          ],
          after: [async (ctx) => void (await respond(ctx))],
        },
        handle: () => assert.fail('not reached'),
      },
    )
  }

  const kinds: readonly (readonly [string, () => unknown])[] = [
    ['text', () => 'whole'],
    ['a stream', () => Readable.from(['who', 'le'])],
    ['a web stream', () => ReadableStream.from([Buffer.from('who'), Buffer.from('le')])],
    ['a Blob', () => new Blob(['whole'])],
    ['a Response', () => new Response('whole', { status: 503 })],
  ]
  for (const [says, body] of kinds) {
    it(`is read to its end: ${says}`, async () => {
      const { get } = await serve((ctx) => {
        ctx.status = 503
        ctx.message = 'Away'
        ctx.body = body()
      })
      const reply = await get('/')
      assert.deepEqual([reply.status, reply.body], [203, 'stale'])
      assert.deepEqual([told().status, String(told().body), told().ends], [503, 'whole', [true]])
      assert.deepEqual(seen, [203, 'stale'])
    })
  }

  it('tells that its stream failed, and lets the observer answer', async () => {
    const { get } = await serve(
      (ctx) => {
        const source = new PassThrough()
        source.write('half')
        setTimeout(() => source.destroy(new Error('gone')), 2)
        ctx.status = 503
        ctx.body = source
      },
      { rescue: true },
    )
    // This observer answers a whole answer only: Koa then has nothing.
    assert.equal((await get('/')).status, 404)
    assert.deepEqual([String(told().body), told().ends], ['half', [false]])
  })

  it('is answered on the context where its handler took the raw response meanwhile', async () => {
    const { get } = await serve((ctx) => {
      ctx.res.writeHead(503).write('the failure')
    })
    assert.equal((await get('/')).body, 'stale')
    assert.deepEqual([String(told().body), told().ends], ['the failure', [true]])
  })

  it('is answered by the observer where the handler throws', async () => {
    let left: Readable | undefined
    const { get } = await serve(
      (ctx) => {
        ctx.set('x-inner', 'inner')
        ctx.status = 201
        left = new PassThrough()
        ctx.body = left
        throw new Error('thrown')
      },
      { rescue: true, head: {} },
    )
    const { status, headers, body } = await get('/')
    assert.deepEqual([status, body, headers['x-stale']], [203, 'stale', 'yes'])
    assert.deepEqual([headers['x-inner'], headers['x-outer']], [undefined, 'outer'])
    assert.deepEqual([seen, told().ends, left?.destroyed], [[203, 'stale'], [], true])
  })

  it('is answered by the observer where the handler destroys the response and throws', async () => {
    const { get } = await serve(
      async (ctx) => {
        await piped(failing(), ctx.res)
      },
      { rescue: true, head: {} },
    )
    assert.equal((await get('/')).body, 'stale')
    assert.deepEqual([seen, told().ends], [[203, 'stale'], []])
  })

  it('is answered by the observer where the handler destroys the response twice', async () => {
    const { get } = await serve(
      (ctx) => {
        ctx.res.destroy()
        ctx.res.destroy()
      },
      { rescue: true, head: {} },
    )
    assert.equal((await get('/')).body, 'stale')
    assert.equal(told().errors.length, 1)
  })

  it('is thrown on where the observer declines, with what the handler left', async () => {
    const { get } = await serve(
      (ctx) => {
        ctx.status = 418
        ctx.body = 'left'
        throw new Error('thrown')
      },
      { rescue: false, head: {} },
    )
    assert.equal((await get('/')).status, 500)
    assert.deepEqual([seen, told().ends], [['thrown', 418, 'left'], [false]])
  })

  it('is thrown on where the head is out', async () => {
    const { port } = await serve(
      async (ctx) => {
        ctx.res.write('half')
        throw new Error('thrown')
      },
      { rescue: true, head: {} },
    )
    const req = http.get({ host: '127.0.0.1', port, agent: false }).on('error', () => undefined)
    const [res] = (await once(req, 'response')) as [http.IncomingMessage]
    res.on('error', () => undefined)
    assert.equal(await eventually('the throw', async () => seen[0]), 'thrown')
    req.destroy()
    assert.equal(await eventually('the end', async () => told().ends[0]), false)
    assert.deepEqual(told().errors, [])
  })
})
