import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../support/redis-sentinel.ts'

describe('a master behind Sentinels', function () {
  this.timeout(60_000)
  let sentinel: RedisTestSentinel

  before(async () => {
    sentinel = await startRedisSentinel({ password: 'pw', sentinelPassword: 'spw' })
  })
  after(() => sentinel.stop())

  it('is found while one Sentinel of three is away', async () => {
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
