import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import type { Store } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { asUser, byUrl, withPassword } from '../../examples/samples/15-authentication.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { noticesDuring } from './notices.ts'

const secret = 'pa ss/w:rd@'

describe('the sample 15-authentication', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({
      password: secret,
      users: [`shop on >other:s@cret ~shop:* +@read +@write +@connection -@dangerous +info`],
    })
  })
  after(() => server.stop())

  async function works(store: Store): Promise<void> {
    await store.set('proof', 1, { ttl: '1m' })
    equal(await store.get('proof'), 1)
    await store.close()
  }

  it('logs in with a password', () => works(withPassword(server, secret)))

  it('logs in as a user, who reaches keys of its own', async () => {
    await works(asUser(server, 'shop', 'other:s@cret'))
    deepEqual(await server.client().keys('shop:*'), ['shop:proof'])
  })

  it('logs in by a URL', () => works(byUrl(server, 'shop', 'other:s@cret')))

  it('says once that the password is wrong, and not which one it was', async () => {
    const store = withPassword(server, 'canary')
    const notices = await noticesDuring(/MEMORYWARE_REDIS_REFUSES/, async () => {
      await rejects(store.set('lost', 1), { code: 'ERR_STORE', outcome: 'not-sent' })
    })
    equal(notices.length, 1)
    match(notices.join(), /WRONGPASS|invalid username-password/)
    equal(notices.join().includes('canary'), false)
    await store.close()
  })

  it('refuses a user what the user may not do', async () => {
    const store = asUser(server, 'shop', 'other:s@cret')
    await rejects(store.slowlog(), { code: 'ERR_STORE' })
    await works(store)
  })
})
