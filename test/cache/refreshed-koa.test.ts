import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { PassThrough, Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import type { Context } from 'koa'
import { eventually } from '../support/eventually.ts'
import { openStale } from './observed.ts'
import { closeSites } from './site.ts'

describe('A run in the background on Koa’s own ways', () => {
  const failures: string[] = []
  const note = (event: unknown): void => {
    const { during, error } = event as { during: string; error: unknown }
    failures.push(`${during}: ${String(error)}`)
  }

  beforeEach(() => {
    failures.length = 0
    subscribe('memoryware:error', note)
  })

  afterEach(async () => {
    unsubscribe('memoryware:error', note)
    await closeSites()
  })

  const serve = (respond: (ctx: Context) => unknown) =>
    openStale('koa', () => assert.fail('not reached'), {
      koa: {
        before: [
          async (ctx, next) => {
            ctx.cookies.set('outer', '1')
            ctx.state['outer'] = 'outer'
            await next()
          },
        ],
        after: [async (ctx) => void (await respond(ctx))],
      },
    })

  const kinds: readonly (readonly [string, () => unknown, string])[] = [
    ['text', () => 'whole', 'whole'],
    ['a Buffer', () => Buffer.from('whole'), 'whole'],
    ['an object', () => ({ a: 1 }), '{"a":1}'],
    ['a stream', () => Readable.from(['who', 'le']), 'whole'],
    ['a web stream', () => ReadableStream.from([Buffer.from('who'), Buffer.from('le')]), 'whole'],
    ['a Blob', () => new Blob(['whole']), 'whole'],
    ['a Response', () => new Response('whole'), 'whole'],
    ['nothing', () => null, ''],
  ]
  for (const [says, body, expected] of kinds) {
    it(`reads ${says}`, async () => {
      const { get, ended } = await serve((ctx) => {
        ctx.body = body()
      })
      assert.equal((await get('/')).body, 'stale')
      const told = await ended()
      assert.deepEqual([String(told.body), told.ends], [expected, [true]])
    })
  }

  it('begins as the chain began', async () => {
    const seen: unknown[] = []
    const { get, ended } = await serve((ctx) => {
      seen.push(ctx.status, ctx.body, ctx.type, ctx.headerSent, ctx.writable, ctx.state['outer'])
      seen.push(ctx.response.get('x-outer'), ctx.res === ctx.response.res, ctx.ip)
      ctx.body = 'x'
    })
    await get('/')
    assert.equal((await ended()).status, 200)
    assert.deepEqual(seen, [404, undefined, '', false, true, 'outer', 'outer', true, '127.0.0.1'])
  })

  it('has a status in words where nothing else is said', async () => {
    const { get, ended } = await serve(() => undefined)
    await get('/')
    const { status, body } = await ended()
    assert.deepEqual([status, String(body)], [404, 'Not Found'])
  })

  it('sets cookies of its own, and redirects, and attaches', async () => {
    const { get, ended } = await serve((ctx) => {
      ctx.cookies.set('inner', '2')
      ctx.attachment('a.txt')
      ctx.redirect('/b')
    })
    const { headers } = await get('/')
    assert.equal(headers['set-cookie']?.length, 1)
    const { status, fields } = await ended()
    assert.deepEqual([status, fields['location']], [302, '/b'])
    assert.match(String(fields['content-disposition']), /a\.txt/)
    assert.match(String(fields['set-cookie']), /inner=2/)
  })

  it('is published where it throws, and ends', async () => {
    const { get, ended } = await serve((ctx) => ctx.throw(400, 'oh'))
    assert.equal((await get('/')).body, 'stale')
    assert.deepEqual((await ended()).ends, [false])
    assert.deepEqual(failures, ['cache refresh: BadRequestError: oh'])
  })

  it('is published where it throws after its head', async () => {
    const { get, ended } = await serve((ctx) => {
      ctx.respond = false
      ctx.res.write('half')
      throw new Error('oh')
    })
    await get('/')
    assert.deepEqual((await ended()).ends, [false])
    assert.deepEqual(failures, ['cache refresh: Error: oh'])
  })

  it('tells of a stream that fails', async () => {
    const { get, ended } = await serve((ctx) => {
      const source = new PassThrough()
      source.write('half')
      setTimeout(() => source.destroy(new Error('gone')), 2)
      ctx.body = source
    })
    await get('/')
    const { body, ends } = await ended()
    assert.deepEqual([String(body), ends], ['half', [false]])
  })

  it('destroys a stream that a HEAD does not read', async () => {
    let left: Readable | undefined
    const { get, ended } = await serve((ctx) => {
      left = new PassThrough()
      ctx.body = left
    })
    await get('/', { method: 'HEAD' })
    assert.deepEqual((await ended()).ends, [true])
    await eventually('it is destroyed', async () => left?.destroyed || undefined)
  })
})
