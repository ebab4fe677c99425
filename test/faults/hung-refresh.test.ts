import assert from 'node:assert/strict'
import { closeSites, frameworks, type Run } from '../cache/site.ts'
import { eventually } from '../support/eventually.ts'
import { serve, twoStores } from './cache-paper/paper-site.ts'

for (const framework of frameworks) {
  describe(`A run in the background that hangs on ${framework}`, () => {
    afterEach(closeSites)

    function handle(run: Run): unknown {
      if (run.number === 2) return new Promise(() => {})
      run.set('Cache-Control', 'max-age=1, stale-while-revalidate=1')
      return run.send(200, `run ${run.number}`)
    }

    async function staleBy(get: () => Promise<{ headers: NodeJS.Dict<unknown> }>, says: RegExp) {
      await eventually('it is stale', async () => {
        const { headers } = await get()
        return says.test(String(headers['cache-status'])) || undefined
      })
    }

    it('keeps those who need its answer waiting only for a while', async () => {
      const site = await serve(framework, { handle })
      assert.equal((await site.get('/')).body, 'run 1')
      await staleBy(() => site.get('/'), /revalidating/)
      await eventually('the run hangs', async () => site.runs === 2 || undefined)
      await eventually('another answer', async () => {
        const { body } = await site.get('/')
        return body === 'run 3' || undefined
      })
    })

    it('keeps nobody in another process waiting for longer', async () => {
      const { stores, close } = await twoStores()
      try {
        const one = await serve(framework, { cache: { store: stores[0] }, handle })
        const other = await serve(framework, {
          cache: { store: stores[1] },
          handle: (run) => run.send(200, 'other'),
        })
        const headers = { host: 'x.test' }
        assert.equal((await one.get('/', { headers })).body, 'run 1')
        await staleBy(() => one.get('/', { headers }), /revalidating/)
        await eventually('the run hangs', async () => one.runs === 2 || undefined)
        await eventually('another answer', async () => {
          const { body } = await other.get('/', { headers })
          return body === 'other' || undefined
        })
      } finally {
        await closeSites()
        await close()
      }
    })
  })
}
