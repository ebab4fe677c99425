import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { eventually } from '../support/eventually.ts'
import { counting } from './pairs.ts'
import { closeSites, fact, frameworks, type Run } from './site.ts'

const halves: readonly (readonly [says: string, handle: (run: Run) => unknown])[] = [
  [
    'a response that is destroyed',
    (run) => {
      run.raw.writeHead(200).write('half')
      setImmediate(() => run.raw.destroy())
    },
  ],
  ['a stream that fails', (run) => run.send(200, failing())],
  [
    'fewer bytes than Content-Length',
    (run) => {
      run.raw.setHeader('Content-Length', '9')
      run.raw.writeHead(200).write('half')
      run.raw.end()
    },
  ],
]

function failing(): Readable {
  return new Readable({
    read() {
      this.push('half')
      this.destroy(new Error('broke'))
    },
  })
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: answers that break`, () => {
    afterEach(closeSites)

    for (const [says, handle] of halves) {
      it(`does not store ${says}`, async () => {
        const site = await counting(framework, {
          handle: (run) => (run.number === 1 ? handle(run) : run.send(200, `run ${run.number}`)),
        })
        const broken = new AbortController()
        setTimeout(() => broken.abort(), 300)
        await site.get('/a', { signal: broken.signal }).catch(() => undefined)
        assert.equal((await site.get('/a')).body, 'run 2')
      })
    }

    it('does not store what the client did not stay for', async () => {
      const site = await counting(framework, {
        async handle(run) {
          if (run.number > 1) return run.send(200, `run ${run.number}`)
          const gone = once(run.raw, 'close')
          run.raw.writeHead(200).write('half')
          await gone
          run.raw.end('whole')
        },
      })
      const left = new AbortController()
      const first = site.get('/a', { signal: left.signal }).catch(() => undefined)
      await eventually('it runs', async () => site.runs || undefined)
      left.abort()
      await first
      assert.equal((await site.get('/a')).body, 'run 2')
    })

    it('does not store an answer whose handler declines while the body goes out', async () => {
      const site = await counting(framework, {
        async handle(run) {
          run.raw.writeHead(200).write('run ')
          run.cache.noStore()
          run.raw.end(String(run.number))
        },
      })
      await site.get('/a')
      assert.equal((await site.get('/a')).body, 'run 2')
    })

    it('does not store an answer whose handler reads the conversation while the body goes out', async () => {
      const site = await counting(framework, {
        memory: true,
        async handle(run) {
          run.raw.writeHead(200).write('run ')
          await run.remember()
          run.raw.end(String(run.number))
        },
      })
      const guest = { headers: { cookie: 'memoryware.guest=AAAAAAAAAAAAAAAAAAAAAA' } }
      await site.get('/a', guest)
      assert.equal((await site.get('/a', guest)).body, 'run 2')
    })

    it('stops collecting a body above maxEntry, and lets it pass whole', async () => {
      const pieces = Array.from({ length: 20 }, () => 'x'.repeat(100))
      const site = await counting(framework, {
        cache: { ttl: 60, maxEntry: 1000 },
        handle: (run) => run.send(200, Readable.from(pieces)),
      })
      const { body } = await site.get('/a')
      await site.get('/a')
      assert.deepEqual([body.length, site.runs], [2000, 2])
    })

    it('stores a stream', async () => {
      const site = await counting(framework, {
        handle: (run) => run.send(200, Readable.from(['run ', String(run.number)])),
      })
      const first = await site.get('/a')
      const second = await site.get('/a')
      assert.match(fact(second), /hit/)
      assert.deepEqual([first.body, second.body], ['run 1', 'run 1'])
    })

    it('stores what goes through node:http', async () => {
      const site = await counting(framework, {
        handle(run) {
          run.raw.writeHead(200, ['X-Own', 'a', 'X-Own', 'b', 'Content-Type', 'text/own'])
          run.raw.write('72756e', 'hex')
          run.raw.end(new Uint8Array([0x20, 0x31]))
        },
      })
      const replies = [await site.get('/a'), await site.get('/a')]
      for (const { body, headers } of replies) {
        assert.equal(body, 'run 1')
        assert.deepEqual([headers['x-own'], headers['content-type']], ['a, b', 'text/own'])
      }
    })
  })
}
