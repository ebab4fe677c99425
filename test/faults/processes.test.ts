import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { sessionKeys } from '../../lib/keys.ts'
import { type ForkedApp, forkApp } from '../support/forked-app.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const limitedApp = new URL('../support/limited-app.ts', import.meta.url)
const appendingApp = new URL('../support/appending-app.ts', import.meta.url)

for (const algorithm of ['sliding', 'fixed']) {
  for (const framework of ['express', 'koa']) {
    describe(`two processes of ${framework} on one Redis (${algorithm})`, function () {
      this.timeout(60_000)
      let server: TestServer
      let apps: ForkedApp[]

      before(async () => {
        server = await startRedis()
        apps = await forked(2, limitedApp, [framework, algorithm, server.url])
      })
      after(async () => {
        await ended(apps)
        await server.stop()
      })

      it('pass exactly 100 of 1,000 requests at once at a limit of 100', async () => {
        const answers = await thousand(apps)
        assert.equal(answers.filter(({ status }) => status === 200).length, 100)
        assert.equal(answers.filter(({ status }) => status === 429).length, 900)
      })
    })
  }
}

const everything = { limit: 10_000, before: undefined, ttlMs: undefined }

for (const framework of ['express', 'koa']) {
  for (const { maxStored, most } of [
    { maxStored: 2000, most: 1000 },
    { maxStored: 200, most: 200 },
  ]) {
    describe(`1,000 appends at once from four processes of ${framework}, ${maxStored} stored`, function () {
      this.timeout(60_000)
      let server: TestServer
      let store: Store
      let apps: ForkedApp[]

      before(async () => {
        server = await startRedis()
        store = createStore({ url: server.url, deadline: '1s' })
        apps = await forked(4, appendingApp, [framework, server.url, String(maxStored)])
      })
      after(async () => {
        await ended(apps)
        await store.close()
        await server.stop()
      })

      it('are all kept, once, in the order they were acknowledged in, and bounded', async () => {
        const each = 1000 / apps.length
        const answers = await Promise.all(
          apps.map((app, n) => asked(app, `/?from=${n * each}&count=${each}`)),
        )
        const told = await Promise.all(
          answers.map(async (answer) => (await answer.json()) as [id: string, seq: number][]),
        )
        const order = told.flat().sort(([, one], [, other]) => one - other)
        assert.deepEqual(
          order.map(([, seq]) => seq),
          Array.from({ length: 1000 }, (_, at) => at + 1),
        )

        const keys = sessionKeys('alice', 'default')
        const { meta, entries } = await store.history.read(keys, everything)
        assert.deepEqual(
          entries.map(({ id, seq }) => [id, seq]),
          order.slice(-entries.length),
        )
        assert.equal(meta?.length, entries.length)
        assert.ok(entries.length <= most && entries.length >= leastOf(maxStored))
      })

      it('leave nothing behind that does not end', async () => {
        const keys = await store.keys('*')
        const left = await Promise.all(
          keys.map(async (key) => [key, await store.ttl(key)] as const),
        )
        assert.deepEqual(
          left.filter(([, seconds]) => seconds === undefined || seconds > 3600),
          [],
        )
        assert.ok(keys.length >= 3)
      })
    })
  }
}

function forked(count: number, file: URL, args: readonly string[]): Promise<ForkedApp[]> {
  return Promise.all(Array.from({ length: count }, () => forkApp(file, args)))
}

async function ended(apps: readonly ForkedApp[]): Promise<void> {
  await Promise.all(apps.map((app) => app.stop()))
}

/** What a session keeps at least of a thousand messages. */
function leastOf(maxStored: number): number {
  return maxStored > 1000 ? 1000 : (maxStored * 3) / 4
}

/** A thousand requests at once, spread over the apps. */
function thousand(apps: readonly ForkedApp[]): Promise<Response[]> {
  return Promise.all(
    Array.from({ length: 1000 }, async (_, n) => {
      const answer = await asked(apps[n % apps.length], '/')
      await answer.text()
      return answer
    }),
  )
}

function asked(app: ForkedApp | undefined, path: string): Promise<Response> {
  return fetch(`${app?.url}${path}`, { headers: { 'x-user': 'alice' } })
}
