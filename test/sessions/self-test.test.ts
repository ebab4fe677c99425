import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import session, { type SessionData } from 'express-session'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createStore, type Store, StoreError } from '../../lib/index.ts'
import { SessionStore } from '../../middleware/express-session-store.ts'
import { sessionShelf } from '../../middleware/session-store.ts'
import { freePort, startRedis } from '../support/redis.ts'
import { browser, loginFrameworks } from './login-apps.ts'

type Client = Record<string, (...args: unknown[]) => Promise<unknown>>
const [express] = loginFrameworks

/** As connect-redis 9 and 10 call their client, which is node-redis. */
class LaterStore extends session.Store {
  readonly client: Client
  readonly prefix: string

  constructor({ client, prefix }: { client: Client; prefix: string }) {
    super()
    this.client = client
    this.prefix = prefix
  }

  async get(sid: string): Promise<unknown> {
    return this.client['get']?.(this.prefix + sid)
  }

  async set(sid: string, value: unknown): Promise<void> {
    const expiration = { type: 'EX', value: 60 }
    await this.client['set']?.(this.prefix + sid, value, { expiration })
  }

  override async touch(sid: string): Promise<void> {
    await this.client['expire']?.(this.prefix + sid, 60)
  }

  async destroy(sid: string): Promise<void> {
    await this.client['del']?.([this.prefix + sid])
  }
}

/** Says that it kept a session, and keeps none. */
class ForgetfulStore extends LaterStore {
  override async set(): Promise<void> {}
}

const live = () => ({ cookie: { originalMaxAge: null } }) as SessionData

describe('the self-test of the store for express-session', () => {
  let store: Store
  const notices: { code: string; message: string }[] = []
  const listen = (event: unknown) => notices.push(event as never)
  beforeEach(() => {
    store = createStore({ provider: 'embedded' })
    subscribe('memoryware:notice', listen)
  })
  afterEach(async () => {
    unsubscribe('memoryware:notice', listen)
    await store.close()
  })

  const made = (kind: unknown, over = store) =>
    new SessionStore(kind as never, sessionShelf({ store: over }))

  it('says what to install where connect-redis is of another make', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    made(LaterStore)
    const warning = await warned
    assert.equal((warning as { code?: string }).code, 'MEMORYWARE_SESSION_STORE')
    assert.match(warning.message, /npm install --save-exact connect-redis@8\.1\.0/)
    assert.deepEqual(
      notices.map(({ code }) => code),
      ['MEMORYWARE_SESSION_STORE'],
    )
  })

  for (const kind of [LaterStore, ForgetfulStore]) {
    it(`lets every load and save fail with a ${kind.name}`, async () => {
      const sessions = made(kind)
      for (const attempt of [1, 2]) {
        const failure = { code: 'ERR_USAGE', message: /connect-redis@8\.1\.0/ }
        await assert.rejects(sessions.get('a'), failure, `load ${attempt}`)
        await assert.rejects(sessions.set('a', live()), failure, `save ${attempt}`)
      }
    })

    it(`answers 500 with a ${kind.name}, never 200 with a new session`, async () => {
      const app = await express?.serve({ store, expressStore: made(kind) })
      if (!app || !express) throw new Error('No Express')
      const { status } = await browser(app).get('/', express.cookieOf('known'))
      await app.close()
      assert.equal(status, 500)
    })
  }

  it('is silent with the connect-redis that works', async () => {
    notices.length = 0
    const sessions = made(RedisStore)
    await sessions.set('a', live())
    assert.deepEqual(await sessions.get('a'), live())
    assert.deepEqual(notices, [])
  })

  it('says nothing of connect-redis where the store is away, and is made up for', async function () {
    this.timeout(20_000)
    notices.length = 0
    const server = await startRedis()
    await server.kill()
    const away = createStore({ url: server.url })
    const [good, bad] = [made(RedisStore, away), made(LaterStore, away)]
    try {
      await assert.rejects(good.get('a'), StoreError)
      await assert.rejects(good.set('a', live()), StoreError)
      await server.restart()
      await sleep(1500)
      await good.set('a', live())
      assert.deepEqual(await good.get('a'), live())
      // What a wrong make does is found at its first call, whether the store is there or not.
      await assert.rejects(bad.get('a'), { code: 'ERR_USAGE' })
    } finally {
      await away.close()
      await server.stop()
    }
  })

  it('says nothing of connect-redis where Redis is full', async () => {
    notices.length = 0
    const server = await startRedis()
    await server.client().config('SET', 'maxmemory', '1')
    const full = createStore({ url: server.url, deadline: '1s' })
    try {
      const sessions = made(RedisStore, full)
      await assert.rejects(sessions.get('a'), { code: 'ERR_STORE', reason: 'full' })
      assert.deepEqual(notices, [])
    } finally {
      await full.close()
      await server.stop()
    }
  })

  it('never ends a process that nobody answers, nor keeps it from ending', async () => {
    const away = createStore({ url: `redis://127.0.0.1:${await freePort()}` })
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const before = performance.now()
    made(RedisStore, away)
    assert.ok(performance.now() - before < 100)
    await sleep(300)
    await away.close()
    await sleep(50)
    process.off('unhandledRejection', listener)
    assert.deepEqual(unhandled, [])
  })
})
