import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { bothProviders } from '../support/stores.ts'
import { type Fuzzing, startFuzzing } from './fuzzing.ts'
import { rawRequests } from './raw-requests.ts'

for (const stores of bothProviders()) {
  for (const framework of ['express', 'koa'] as const) {
    describe(`threat: requests at random (${framework}, ${stores.name})`, function () {
      this.timeout(30_000)
      let fuzzing: Fuzzing

      before(async () => {
        await stores.start()
        fuzzing = await startFuzzing(framework, await stores.empty())
      })
      after(async () => {
        await fuzzing.stop()
        await stores.stop()
      })

      it('fail nothing, hang nowhere, are told nothing of others, and harm nobody after them', async () => {
        await fc.assert(fc.asyncProperty(rawRequests, fuzzing.check), { numRuns: 60, seed: 1 })
      })
    })
  }
}
