import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { of } from './pairs.ts'
import { closeSites, fact, frameworks, open } from './site.ts'

interface Case {
  readonly asks: string
  readonly field?: string
  /** Seconds since the answer, which is fresh for 60. */
  readonly after: number
  readonly says: RegExp
  readonly origin?: string
}

const cases: readonly Case[] = [
  { asks: 'no-cache', after: 0, says: /fwd=request; stored/ },
  { asks: 'no-cache', field: 'pragma', after: 0, says: /fwd=request; stored/ },
  { asks: 'max-age=0', after: 0, says: /fwd=request; stored/ },
  { asks: 'max-age=10', after: 20, says: /fwd=request; stored/ },
  { asks: 'max-age=30', after: 20, says: /hit; ttl=40/ },
  { asks: 'min-fresh=50', after: 20, says: /fwd=request; stored/ },
  { asks: 'min-fresh=30', after: 20, says: /hit; ttl=40/ },
  { asks: 'max-stale', after: 80, says: /hit; ttl=-20/ },
  { asks: 'max-stale=30', after: 80, says: /hit; ttl=-20/ },
  { asks: 'max-stale=10', after: 80, says: /fwd=(stale|miss); stored/ },
  { asks: 'max-stale', after: 80, says: /fwd=(stale|miss)/, origin: 'max-age=60, must-revalidate' },
  { asks: 'max-stale', after: 80, says: /fwd=(stale|miss)/, origin: 's-maxage=60' },
  { asks: 'only-if-cached', after: 20, says: /hit; ttl=40/ },
  { asks: 'only-if-cached', after: 80, says: /fwd=miss; detail=only-if-cached/ },
  { asks: 'what nobody knows', after: 20, says: /hit; ttl=40/ },
]

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: what the client asks`, () => {
    afterEach(async () => {
      mock.timers.reset()
      await closeSites()
    })

    for (const { asks, field = 'cache-control', after, says, origin = 'max-age=60' } of cases) {
      it(`obeys ${field}: ${asks} after ${after} seconds of ${origin}`, async () => {
        mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
        const { get } = await open(framework, {
          cache: {},
          handle(run) {
            run.set('Cache-Control', origin)
            run.send(200, `run ${run.number}`)
          },
        })
        await get('/a')
        mock.timers.setTime(1_800_000_000_000 + after * 1000)
        assert.match(fact(await get('/a', of(field, asks))), says)
      })
    }

    it('answers 504 where only a stored answer would do', async () => {
      const site = await open(framework, { cache: {}, handle: (run) => run.send(200, 'x') })
      const { status } = await site.get('/a', of('cache-control', 'only-if-cached'))
      assert.deepEqual([status, site.runs], [504, 0])
    })
  })
}
