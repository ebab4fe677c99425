import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import type { App } from '../support/apps.ts'
import { bothProviders } from '../support/stores.ts'
import { canary, fillIn, fuzzedApps } from './fuzzed-app.ts'
import { bytesOf, exchange, isWhole, rawRequests, statusesIn } from './raw-requests.ts'

const stats: Record<string, number> = {}
after(() =>
  console.log(
    Object.entries(stats)
      .sort((a, b) => b[1] - a[1])
      .map((e) => e.join(': '))
      .join(' | '),
  ),
)
const runs = Number(process.argv.find((a) => a.startsWith('--runs='))?.slice(7) ?? 400)

for (const stores of bothProviders()) {
  for (const framework of ['express', 'koa'] as const) {
    describe(`threat: requests at random on ${framework} over ${stores.name}`, function () {
      this.timeout(60_000)
      let app: App

      before(async () => {
        await stores.start()
        app = await fuzzedApps[framework](await stores.empty())
        await fillIn(app)
      })
      after(async () => {
        await app.close()
        await stores.stop()
      })

      it('fail nothing, hang nowhere, and are never told what is another user’s', async () => {
        const property = fc.asyncProperty(rawRequests, async (request) => {
          const whole = isWhole(request)
          const patience = { patienceMs: 3_000, leaveMs: whole ? undefined : 150 }
          const { reply, over } = await exchange(app.url, bytesOf(request), patience)
          assert.ok(over || !whole, 'it hangs')
          assert.ok(!reply.includes(canary), `it was told the canary:\n${reply.slice(0, 2000)}`)
          for (const st of statusesIn(reply))
            stats[`${request.method.slice(0, 4)} ${st} ${request.target.slice(0, 5)}`] =
              (stats[`${request.method.slice(0, 4)} ${st} ${request.target.slice(0, 5)}`] ?? 0) + 1
          for (const status of statusesIn(reply))
            assert.ok(status < 500 || status === 504, `${status}\n${reply.slice(0, 2000)}`)
        })
        await fc.assert(property, { numRuns: runs })
      })
    })
  }
}
