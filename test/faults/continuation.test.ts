import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Memory, type Store, type StoreError } from '../../lib/index.ts'
import { type App, frameworks } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const [express] = frameworks

describe('memory that went on in the process', () => {
  let server: TestServer
  let store: Store
  let app: App
  let memories: Memory[] = []

  before(async () => {
    server = await startRedis()
  })
  beforeEach(async () => {
    await server.client().flushall()
    store = createStore({ url: server.url })
    if (!express) throw new Error('no framework')
    app = await express.serve({ memory: { store, maxStored: 5000 } }, ({ memory, send }) => {
      memories.push(memory)
      send(200, 'ok')
    })
  })
  afterEach(async () => {
    server.thaw()
    await app.close()
    await store.close()
    memories = []
  })
  after(() => server.stop())

  /** The memory of a new request. */
  async function memory(): Promise<Memory> {
    await fetch(app.url, { headers: { 'x-user': 'ann' } })
    const opened = memories.at(-1)
    assert.ok(opened)
    return opened
  }

  const said = async () =>
    (await (await memory()).history({ limit: 1000 })).items.map(({ content }) => content)

  /** Says things while Redis does not answer. */
  async function sayFrozen(...texts: string[]): Promise<void> {
    server.freeze()
    // Once the breaker is open nothing is sent that Redis would carry out when it goes on.
    while (!store.degraded) await store.get('any').catch(() => {})
    for (const content of texts) {
      const { degraded } = await (await memory()).append({ role: 'user', content })
      assert.equal(degraded, true)
    }
  }

  /** Waits until Redis answers this process again. */
  async function healed(): Promise<void> {
    server.thaw()
    const lateAt = performance.now() + 8000
    while (
      await store.get('any').then(
        () => false,
        () => true,
      )
    ) {
      assert.ok(performance.now() < lateAt, 'still away')
      await sleep(20)
    }
  }

  it('sends a backlog of megabytes in pieces, and lets others pass meanwhile', async function () {
    this.timeout(20_000)
    await sayFrozen(...Array.from({ length: 80 }, (_, n) => `${n}:${'x'.repeat(50_000)}`))
    await healed()
    const other = createOther()
    assert.deepEqual(
      (await said()).map((text) => parseInt(String(text), 10)),
      range(80),
    )
    assert.equal(await other, 0)
  })

  async function createOther(): Promise<number> {
    let failed = 0
    for (let n = 0; n < 20; n++) {
      await store.get('other').catch(() => failed++)
      await sleep(5)
    }
    return failed
  }

  it('keeps what Redis refuses for a moment, and sends it then', async function () {
    this.timeout(20_000)
    const admin = server.client()
    await (await memory()).append({ role: 'user', content: 'one' })
    await sayFrozen('two')
    server.thaw()
    await admin.config('SET', 'maxmemory', '1')
    await healed()
    await sleep(700)
    const error = await (await memory())
      .append({ role: 'user', content: 'three' })
      .catch((reason: StoreError) => reason)
    assert.equal((error as StoreError).reason, 'full')
    assert.deepEqual(await said(), ['one', 'two'])
    await admin.config('SET', 'maxmemory', '0')
    await sleep(700)
    assert.deepEqual(await said(), ['one', 'two'])
  })

  it('does not bring back a session that was deleted', async function () {
    this.timeout(20_000)
    await (await memory()).append({ role: 'user', content: 'one' })
    await sayFrozen('secret')
    await healed()
    const opened = await memory()
    assert.equal(await opened.sessions.delete(opened.id), true)
    await sleep(1200)
    assert.deepEqual(await said(), [])
    assert.deepEqual(await server.client().keys('session:*'), [])
  })

  it('sends what is left when the store is closed', async function () {
    this.timeout(20_000)
    await sayFrozen('last words')
    server.thaw()
    await healed()
    await store.close()
    store = createStore({ url: server.url })
    assert.equal(await server.client().llen('session:{ann}:default:m'), 1)
  })

  it('tells of messages that are kept, that are sent, and that are lost with the process', async function () {
    this.timeout(20_000)
    const told: unknown[] = []
    const hear = (event: unknown) => told.push(event)
    subscribe('memoryware:memory', hear)
    try {
      await sayFrozen('one', 'two')
      await healed()
      await said()
      await sayFrozen('three')
      await store.close()
    } finally {
      unsubscribe('memoryware:memory', hear)
      server.thaw()
    }
    store = createStore({ url: server.url })
    assert.deepEqual(told, [
      { state: 'kept', messages: 1, waiting: 1 },
      { state: 'kept', messages: 1, waiting: 2 },
      { state: 'sent', messages: 2, waiting: 0 },
      { state: 'kept', messages: 1, waiting: 1 },
      { state: 'lost', messages: 1, waiting: 1 },
    ])
  })

  it('waits no longer for what is pending than for anything else', async () => {
    await sayFrozen('one')
    const opened = await memory()
    const startedAt = performance.now()
    for (let n = 0; n < 5; n++) await opened.append({ role: 'user', content: `more ${n}` })
    const ms = performance.now() - startedAt
    assert.ok(ms < 600, `${ms} ms`)
  })

  it('gives the newest of what was said, and no older page of it', async () => {
    await sayFrozen('one', 'two', 'three')
    const opened = await memory()
    const contents = async (options: object) =>
      (await opened.history(options)).items.map(({ content }) => content)
    assert.deepEqual(await contents({ limit: 2 }), ['two', 'three'])
    assert.deepEqual(await contents({ limit: 2, before: 2 }), [])
  })
})

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}
