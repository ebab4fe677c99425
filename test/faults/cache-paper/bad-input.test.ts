import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { createStore } from '../../../lib/index.ts'
import { closeSites, fact, frameworks, type Run, type Sent } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { startRedis } from '../../support/redis.ts'
import { shared } from '../../support/shared.ts'
import { bothProviders } from '../../support/stores.ts'
import { connected, type PaperOptions, serve, streamed } from './paper-site.ts'

const at: Sent = { headers: { host: 'x.test' } }

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`bad input on ${framework} and ${provider.name}`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      const open = async (handle?: (run: Run) => unknown, more: PaperOptions = {}) =>
        serve(framework, {
          cache: { store: await connected(await provider.empty()), ttl: 60, ...more },
          ...(handle ? { handle } : {}),
        })

      it('keeps a hundred variants apart', async () => {
        const site = await open((run) => {
          run.set('Vary', 'X-Own')
          run.send(200, `for ${run.headers['x-own']}`)
        })
        const owns = Array.from({ length: 100 }, (_, own) => String(own))
        const again = [...owns.slice(0, 5), ...owns.slice(-5)]
        for (const own of [...owns, ...again]) {
          const headers = { ...at.headers, 'x-own': own }
          assert.equal((await site.get('/a', { headers })).body, `for ${own}`)
        }
        // As many as there is room for are kept.
        assert.ok(site.runs < 110, String(site.runs))
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
        const flood = Array.from({ length: 50 }, () => site.get('/a', { headers }))
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
            run.raw.on('error', () => {})
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
        const { url, client } = await server()
        const redis = client()
        await redis.flushdb()
        const store = await connected(createStore({ url }))
        const site = await serve(framework, {
          cache: { store, ttl: 60, l1: false } as PaperOptions,
        })
        await site.get('/a', at)
        const keys = await eventually('it is kept', async () => {
          const found = await redis.keys('*cache:{*')
          const own = found.filter((key) => key.endsWith('}'))
          return own.length > 0 ? own : undefined
        })
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
