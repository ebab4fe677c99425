import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Store } from '../../../lib/index.ts'
import { startRedis } from '../../support/redis.ts'
import { shared } from '../../support/shared.ts'
import { bothProviders } from '../../support/stores.ts'
import { post } from '../pairs.ts'
import { closeSites, fact, frameworks, type Run, type Sent } from '../site.ts'
import { type PaperOptions, saying, serve, streamed } from './paper-site.ts'

const at: Sent = { headers: { host: 'x.test' } }

const controls = [
  'max-age',
  'max-age=',
  'max-age=-1',
  'max-age=1e3',
  `max-age=${'9'.repeat(400)}`,
  'max-age="60',
  '"',
  ',,,;;;===',
  'max-age=60; public',
  'private=',
  'stale-while-revalidate=x, stale-if-error="',
  'no-cache="',
  `x="${'a\\"'.repeat(1000)}`,
  ' ,max-age=60\t,',
  `${'x,'.repeat(2000)}max-age=60`,
]

const varies = [
  '',
  ',',
  'a b',
  '"',
  ', ,*',
  'x'.repeat(4000),
  'a,'.repeat(500),
  '__proto__',
  '\u00e9',
]

const dates = ['', '0', '-1', 'yesterday', 'Thu, 32 Jan 2026 25:61:61 GMT', '9'.repeat(300)]

const fields: readonly (readonly [name: string, value: string])[] = [
  ...controls.map((value) => ['Cache-Control', value] as const),
  ...controls.map((value) => ['CDN-Cache-Control', value] as const),
  ...varies.map((value) => ['Vary', value] as const),
  ...['Expires', 'Date', 'Last-Modified'].flatMap((name) =>
    dates.map((value) => [name, value] as const),
  ),
  ...['', '"', '1', 'W/', '"a"b"', 'x'.repeat(4000)].map((value) => ['ETag', value] as const),
  ...['', '-1', 'x', '1, 2', '9'.repeat(99)].map((value) => ['Age', value] as const),
  ...['"', '"a', 'a', '(', '"a";x='].map((value) => ['Cache-Groups', value] as const),
]

const conditions: readonly (readonly [name: string, value: string])[] = [
  ...controls.map((value) => ['cache-control', value] as const),
  ...['', '"', ',', 'W/"', '*, "1"', '"a'.repeat(900)].map(
    (value) => ['if-none-match', value] as const,
  ),
  ...dates.map((value) => ['if-modified-since', value] as const),
  ...['bytes', 'bytes=', 'bytes=9-1', 'bytes=-', `bytes=${'0-0,'.repeat(900)}`].map(
    (value) => ['range', value] as const,
  ),
  ...['"', ...dates].map((value) => ['if-range', value] as const),
  ...['', 'x'.repeat(4000), '\u00ff'].map((value) => ['last-event-id', value] as const),
]

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`bad input on ${framework} and ${provider.name}`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      const open = async (handle?: (run: Run) => unknown, more: PaperOptions = {}) =>
        serve(framework, {
          cache: { store: await provider.empty(), ttl: 60, ...more },
          ...(handle ? { handle } : {}),
        })

      it('is answered, whatever stands in the fields of a response', async () => {
        const site = await open((run) => {
          const [name, value] = fields[Number(run.url.slice(1))] ?? ['x', 'x']
          saying({ [name]: value })(run)
        })
        for (const number of fields.keys())
          for (let asked = 0; asked < 2; asked += 1) {
            const { status, body } = await site.get(`/${number}`, at)
            assert.equal(status, 200, String(fields[number]))
            assert.match(body, /^run \d+$/, String(fields[number]))
          }
      })

      it('is answered, whatever stands in the fields of a request', async () => {
        const site = await open(saying({ ETag: '"1"' }))
        for (const [name, value] of conditions)
          for (const path of ['/same', `/${name}`]) {
            const { status } = await site.get(path, { headers: { ...at.headers, [name]: value } })
            assert.ok([200, 206, 304, 416].includes(status), `${status} ${name}: ${value}`)
          }
        assert.equal((await site.get('/same', at)).status, 200)
      })

      it('passes a body of 10 MB on, whole, either way', async () => {
        const large = 'x'.repeat(10_000_000)
        const methods = ['GET', 'POST'] as const
        const site = await open(async (run) => run.send(200, (await run.text()) || large), {
          methods,
        })
        const sent = post(large, 'text/plain')
        for (let asked = 0; asked < 2; asked += 1) {
          assert.equal((await site.get('/a', at)).body.length, large.length)
          assert.equal((await site.get('/a', sent)).body.length, large.length)
        }
        assert.equal(site.runs, 4)
      })

      it('keeps a hundred variants apart', async () => {
        const site = await open((run) => {
          run.set('Vary', 'X-Own')
          run.send(200, `for ${run.headers['x-own']}`)
        })
        for (let round = 0; round < 2; round += 1)
          for (let own = 0; own < 100; own += 1) {
            const headers = { ...at.headers, 'x-own': String(own) }
            assert.equal((await site.get('/a', { headers })).body, `for ${own}`)
          }
        assert.ok(site.runs >= 100 && site.runs < 200, String(site.runs))
      })

      it('keeps compressed and binary bodies to the byte', async () => {
        const bytes = [randomBytes(70_000), gzipSync('whole'), Buffer.from([0, 255, 10, 13, 0])]
        const site = await open((run) => {
          const number = Number(run.url.slice(1))
          if (number === 1) run.set('Content-Encoding', 'gzip')
          run.set('Content-Type', 'application/octet-stream')
          run.send(200, bytes[number])
        })
        const accepts = { 'accept-encoding': 'gzip' }
        for (const number of bytes.keys())
          for (let asked = 0; asked < 2; asked += 1)
            assert.deepEqual(await streamed(site.port, `/${number}`, accepts).whole, bytes[number])
        assert.equal(site.runs, 3)
      })

      it('stands a flood of no-cache', async () => {
        const site = await open()
        const headers = { ...at.headers, 'cache-control': 'no-cache' }
        const flood = Array.from({ length: 100 }, () => site.get('/a', { headers }))
        for (const { status, body } of await Promise.all(flood)) {
          assert.equal(status, 200)
          assert.match(body, /^run \d+$/)
        }
        const { runs } = site
        const last = await site.get('/a', at)
        assert.match(fact(last), /hit/)
        assert.equal(site.runs, runs)
      })

      const colliding: readonly (readonly [path: string, headers: Record<string, string>])[] = [
        ['/a', { 'x-b': '', host: 'x.test' }],
        ['/a?', { 'x-b': '', host: 'x.test' }],
        ['/a', { 'x-b': '3:abc', host: 'x.test' }],
        ['/a3:abc', { 'x-b': '', host: 'x.test' }],
        ['/a', { 'x-b': 'x.test', host: 'x' }],
        ['/a?3:abc', { 'x-b': '', host: 'x.test' }],
        ['/a%00', { 'x-b': '', host: 'x.test' }],
        ['/x.test/a', { 'x-b': '', host: 'x' }],
        ['/a', { host: 'x.test' }],
      ]
      it('keeps keys apart that are built to collide', async () => {
        const site = await open(undefined, { key: { headers: ['X-B'] } })
        for (const [path, headers] of colliding) await site.get(path, { headers })
        for (const [number, [path, headers]] of colliding.entries())
          assert.equal((await site.get(path, { headers })).body, `run ${number + 1}`)
      })

      const ends: readonly (readonly [says: string, handle: (run: Run) => unknown])[] = [
        [
          'ends twice',
          (run) => {
            run.raw.end('once')
            run.raw.end('twice')
          },
        ],
        [
          'throws after the head',
          (run) => {
            run.raw.writeHead(200).write('half')
            throw new Error('too late')
          },
        ],
        [
          'writes after its end',
          (run) => {
            run.raw.on('error', () => {})
            run.raw.end('once')
            run.raw.write('more')
          },
        ],
        ['destroys the socket', (run) => run.raw.socket?.destroy()],
        ['never ends', () => new Promise(() => {})],
      ]
      for (const [says, handle] of ends) {
        it(`serves the next after a handler that ${says}`, async () => {
          const site = await open((run) =>
            run.number === 1 ? handle(run) : run.send(200, `run ${run.number}`),
          )
          const first = site.get('/a', { ...at, signal: AbortSignal.timeout(150) })
          const { body = 'broken' } = await first.catch(() => ({}) as { body?: string })
          assert.ok(['broken', 'once'].includes(body), body)
          const next = await site.get('/a', at)
          assert.ok(['run 2', body].includes(next.body), next.body)
        })
      }
    })
  }
}

const server = shared(startRedis)

describe('bad input on Redis: what stands under the key', () => {
  afterEach(closeSites)

  const spoils: readonly (readonly [says: string, spoil: readonly string[]])[] = [
    ['a string', ['SET', 'KEY', 'foreign']],
    ['a list', ['RPUSH', 'KEY', 'foreign']],
    ['a hash of others', ['HSET', 'KEY', 'h', 'x', 'b', 'y', '', 'z', 'vary', '\u00ff']],
  ]
  for (const framework of frameworks) {
    for (const [says, spoil] of spoils) {
      it(`may be ${says}: the handler runs, on ${framework}`, async () => {
        const { createStore } = await import('../../../lib/index.ts')
        const { url, client } = await server()
        const redis = client()
        await redis.flushdb()
        const store: Store = createStore({ url })
        const site = await serve(framework, {
          cache: { store, ttl: 60, l1: false } as PaperOptions,
        })
        await site.get('/a', at)
        await store.get('anything')
        const keys = (await redis.keys('*cache:{*')).filter((key) => key.endsWith('}'))
        assert.ok(keys.length > 0)
        for (const key of keys) {
          await redis.del(key)
          const [command = '', ...args] = spoil.map((each) => (each === 'KEY' ? key : each))
          await redis.call(command, args)
        }
        const { status, body } = await site.get('/a', at)
        assert.deepEqual([status, body], [200, 'run 2'])
        await store.close()
      })
    }
  }
})
