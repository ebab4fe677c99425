import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks, type Mounts } from '../support/apps.ts'

type Limit = NonNullable<Mounts['limit']>

for (const framework of frameworks) {
  describe(`functions of a limit that take their time, on ${framework.name}`, () => {
    let store: Store
    let app: App | undefined

    beforeEach(() => {
      store = createStore()
    })
    afterEach(async () => {
      await app?.close()
      app = undefined
      await store.close()
    })

    async function statuses(limit: Limit, requests: number): Promise<number[]> {
      const mounts = { limit: { store, ...limit } }
      app = await framework.serve(mounts, ({ send }) => send(200, 'ok'))
      const { url } = app
      const answers: number[] = []
      for (let request = 0; request < requests; request += 1)
        answers.push((await fetch(url)).status)
      return answers
    }

    it('are waited for where they give what only has a `then`, as a query builder does', async () => {
      const limits = [{ limit: () => query(4), key: () => query('ann'), cost: () => query(2) }]
      assert.deepEqual(await statuses({ limits }, 3), [200, 200, 429])
    })

    it('skip a request where what has a `then` says so', async () => {
      const skip = () => query(true)
      assert.deepEqual(await statuses({ limits: [{ limit: 1 }], skip }, 2), [200, 200])
    })

    it('fail the request once, whichever of them fails first', async () => {
      const limits = [
        { name: 'at-once', limit: 5 },
        { name: 'later', limit: 5, key: async () => failing('later') },
        { name: 'now', limit: () => failing('now') },
        { name: 'never', limit: async () => failing('never') },
      ]
      assert.deepEqual(await statuses({ limits }, 1), [500])
    })
  })
}

/** No promise, but it can be waited for. */
function query<T>(value: T): Promise<T> {
  const builder = {
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    then: (resolve: (value: T) => unknown) => void setImmediate(() => resolve(value)),
  }
  return builder as unknown as Promise<T>
}

function failing(why: string): never {
  throw new Error(why)
}
