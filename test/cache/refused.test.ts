import assert from 'node:assert/strict'
import { counting } from './pairs.ts'
import { closeSites, fact, frameworks, type Plan, type Run } from './site.ts'

interface Case extends Pick<Plan, 'cache' | 'outer'> {
  readonly says: string
  readonly handle: (run: Run) => unknown
  readonly detail: string
}

const answer =
  (fields: Record<string, string>, status = 200) =>
  (run: Run) => {
    for (const [name, value] of Object.entries(fields)) run.set(name, value)
    run.send(status, `run ${run.number}`)
  }

const refused: readonly Case[] = [
  ...[401, 407, 428, 429, 431, 511].map((status) => ({
    says: `a ${status}, though it says max-age`,
    handle: answer({ 'Cache-Control': 'public, max-age=60' }, status),
    detail: 'status',
  })),
  ...[403, 500, 503].map((status) => ({
    says: `a ${status} with a life that outer middlewares give everything`,
    outer: () => ({ 'Cache-Control': 'public, max-age=60' }),
    handle: answer({}, status),
    detail: 'status',
  })),
  {
    says: 'no-store beside must-understand, where only the application gives a life',
    handle: answer({ 'Cache-Control': 'must-understand, no-store' }),
    cache: { ttl: 60 },
    detail: 'no-store',
  },
  ...(['no-store', 'private'] as const).map((detail) => ({
    says: `${detail} beside CDN-Cache-Control`,
    handle: answer({ 'CDN-Cache-Control': 'max-age=60', 'Cache-Control': detail }),
    detail,
  })),
  ...[
    ['public no-store', 'no-store'] as const,
    ['max-age=60 Private', 'private'] as const,
    ['public max-age=60 no-cache', 'no-cache'] as const,
  ].map(([line, detail]) => ({
    says: `${line}, without a comma`,
    handle: answer({ 'Cache-Control': line }),
    cache: { ttl: 60 },
    detail,
  })),
]

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: what is never stored`, () => {
    afterEach(closeSites)

    for (const { says, detail, handle, cache = {}, outer } of refused) {
      it(`does not store ${says}`, async () => {
        const { get } = await counting(framework, { handle, cache, outer })
        await get('/a')
        const second = await get('/a')
        assert.equal(fact(second), `memoryware; fwd=miss; detail=${detail}`)
        assert.equal(second.body, 'run 2')
      })
    }

    it('does not store what an error became after the handler said max-age', async () => {
      const { get } = await counting(framework, {
        handle(run) {
          run.set('Cache-Control', 'public, max-age=60')
          if (run.number === 1) throw new Error('no answer')
          run.send(200, `run ${run.number}`)
        },
      })
      const first = await get('/a')
      const second = await get('/a')
      assert.deepEqual([first.status, second.status, second.body], [500, 200, 'run 2'])
    })
  })
}
