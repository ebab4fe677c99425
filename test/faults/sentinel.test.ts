import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { startLoad } from '../support/load.ts'
import type { TestServer } from '../support/redis.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../support/redis-sentinel.ts'
import { type SpokenApp, serveSpoken } from '../support/spoken-app.ts'

const failoverMs = 6000

for (const framework of frameworks) {
  describe(`a master behind Sentinels under ${framework.name}`, function () {
    this.timeout(60_000)
    let sentinel: RedisTestSentinel
    let store: Store
    let app: SpokenApp

    before(async () => {
      sentinel = await startRedisSentinel({ password: 'pw', sentinelPassword: 'spw' })
    })
    beforeEach(async () => {
      const { name, sentinels: nodes } = sentinel
      store = createStore({ sentinels: { nodes, name, password: 'spw' }, password: 'pw' })
      app = await serveSpoken(framework, store)
    })
    afterEach(async () => {
      await app.close()
      await store.close()
    })
    after(() => sentinel.stop())

    for (const [fault, strike, mend] of [
      ['is frozen', (server: TestServer) => server.freeze(), (server: TestServer) => server.thaw()],
      [
        'is killed',
        (server: TestServer) => server.kill(),
        (server: TestServer) => server.restart(),
      ],
    ] as const) {
      it(`loses nothing when it ${fault}: the replica takes over`, async () => {
        await sentinel.settled()
        const load = startLoad(app.url)
        await sleep(500)
        const master = await sentinel.master()
        await strike(master)
        const struckAt = performance.now()
        await sleep(failoverMs + 1000)
        const answers = await load.stop()
        await mend(master)

        assert.deepEqual(
          answers.filter(({ status, ms }) => status !== 200 || ms > 1000),
          [],
        )
        const during = answers.filter(({ at }) => at > struckAt && at < struckAt + 500)
        assert.ok(
          during.some(({ body }) => body['memoryDegraded']),
          'nobody noticed',
        )
        const later = answers.filter(({ at }) => at > struckAt + failoverMs)
        assert.ok(later.length > 10)
        assert.deepEqual(
          later.filter(({ body }) => body['memoryDegraded'] || body['limitDegraded']),
          [],
        )
        assert.deepEqual(await app.lost(answers), [])
        await sentinel.settled()
      })
    }

    it('goes on while one Sentinel of three is away', async () => {
      const [watcher] = sentinel.watchers
      watcher?.freeze()
      const { name, sentinels: nodes } = sentinel
      const own = createStore({
        sentinels: { nodes, name, password: 'spw' },
        password: 'pw',
        deadline: '1s',
      })
      let value: unknown
      for (let attempt = 0; attempt < 5 && value === undefined; attempt++) {
        await own.set('a', attempt).catch(() => {})
        value = await own.get('a').catch(() => undefined)
      }
      watcher?.thaw()
      await own.close()
      assert.notEqual(value, undefined)
    })
  })
}

describe('a store whose Sentinels refuse it', () => {
  it('says so once, and fails in time', async function () {
    this.timeout(30_000)
    const sentinel = await startRedisSentinel({ sentinelPassword: 'spw' })
    const notices: string[] = []
    const listen = (warning: Error & { code?: string }) =>
      notices.push(`${warning.code} ${warning.message}`)
    process.on('warning', listen)
    const { name, sentinels: nodes } = sentinel
    const store = createStore({ sentinels: { nodes, name, password: 'wrong-canary' } })
    const other = createStore({ sentinels: { nodes, name: 'nobody', password: 'spw' } })
    await assert.rejects(store.get('a'), { code: 'ERR_STORE', outcome: 'not-sent' })
    await assert.rejects(other.get('a'), { code: 'ERR_STORE', outcome: 'not-sent' })
    await sleep(300)
    process.off('warning', listen)
    await Promise.all([store.close(), other.close()])
    await sentinel.stop()
    assert.ok(notices.length >= 1, `${notices}`)
    assert.ok(
      notices.every((text) => /MEMORYWARE_REDIS_(AWAY|REFUSES)/.test(text)),
      `${notices}`,
    )
    assert.doesNotMatch(notices.join(), /canary/)
  })
})
