import assert from 'node:assert/strict'
import { unsubscribe as ignore, subscribe as listenTo } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  describe(`messages over ${stores.name}`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    after(() => stores.stop())

    it('are values of the serializer', async () => {
      const heard: unknown[] = []
      const leave = await store.subscribe('news', (message) => heard.push(message))
      for (const message of [{ text: 'grüße' }, 1, null, 'x']) await store.publish('news', message)
      await eventually('all are heard', async () => heard.length === 4 || undefined)
      assert.deepEqual(heard, [{ text: 'grüße' }, 1, null, 'x'])
      await leave()
    })

    it('tell of a listener that throws, and go on', async () => {
      const errors: unknown[] = []
      const listen = (event: unknown) => errors.push(event)
      listenTo('memoryware:error', listen)
      const heard: unknown[] = []
      const leave = await store.subscribe('news', (message) => {
        heard.push(message)
        throw new Error('not today')
      })
      await store.publish('news', 1)
      await store.publish('news', 2)
      await eventually('all are heard', async () => heard.length === 2 || undefined)
      ignore('memoryware:error', listen)
      assert.deepEqual(heard, [1, 2])
      assert.equal(errors.length, 2)
      await leave()
    })

    it('refuse channels and listeners that are none', async () => {
      await assert.rejects(store.publish('', 1), { code: 'ERR_ID', message: /^A channel must/ })
      await assert.rejects(store.publish('news', undefined), { code: 'ERR_USAGE' })
      await assert.rejects(
        store.subscribe(7 as never, () => {}),
        { code: 'ERR_ID' },
      )
      await assert.rejects(store.subscribe('news', 'x' as never), { code: 'ERR_USAGE' })
    })
  })
}

describe('messages over a Redis that goes away', () => {
  let server: TestServer
  let store: Store
  before(async () => {
    server = await startRedis()
  })
  beforeEach(() => {
    store = createStore({ url: server.url })
  })
  afterEach(() => store.close())
  after(() => server.stop())

  it('are heard again when it is back, without another subscription', async function () {
    this.timeout(20_000)
    const heard: unknown[] = []
    await store.subscribe('news', (message) => heard.push(message))
    await server.kill()
    await server.restart()
    await eventually('it is heard', async () => {
      await store.publish('news', 'back').catch(() => {})
      await sleep(50)
      return heard.length > 0 || undefined
    })
    assert.equal(heard[0], 'back')
  })

  it('are heard by nobody whose subscription failed in time', async () => {
    await store.set('warm', 1)
    server.freeze()
    const heard: unknown[] = []
    await assert.rejects(
      store.subscribe('late', (message) => heard.push(message)),
      { code: 'ERR_STORE' },
    )
    await assert.rejects(store.publish('late', 1), { code: 'ERR_STORE' })
    server.thaw()
    await eventually('it is back', async () => {
      return await store.publish('late', 2).then(
        () => true,
        () => undefined,
      )
    })
    await sleep(1500)
    await store.publish('late', 3)
    await sleep(100)
    assert.deepEqual(heard, [])
    assert.deepEqual(await server.client().pubsub('CHANNELS', 'late'), [])
  })

  it('take one connection more, and none once nobody has ever listened', async () => {
    const lines = async () =>
      String(await server.client().client('LIST'))
        .split('\n')
        .filter((line) => line.includes('name=memoryware'))
    await store.publish('news', 1)
    assert.equal((await lines()).length, 1)
    const leaves = [await store.subscribe('a', () => {}), await store.subscribe('b', () => {})]
    assert.equal((await lines()).length, 2)
    for (const leave of leaves) await leave()
    await store.close()
    await eventually('they end', async () => (await lines()).length === 0 || undefined)
  })

  it('stay off the tracing channel and out of errors', async () => {
    const seen: string[] = []
    const listen = (event: unknown) => seen.push(JSON.stringify(event))
    for (const step of ['start', 'end', 'asyncStart', 'asyncEnd', 'error'])
      listenTo(`tracing:ioredis:command:${step}`, listen)
    await store.publish('news', 'canary-7c1f')
    for (const step of ['start', 'end', 'asyncStart', 'asyncEnd', 'error'])
      ignore(`tracing:ioredis:command:${step}`, listen)
    assert.ok(seen.length > 0)
    assert.doesNotMatch(seen.join(), /canary/)
  })
})
