import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Store } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { fromEnvironment, withAuthority, withCertificate } from '../../examples/samples/16-tls.ts'
import { type TestCertificates, testCertificates } from '../support/certificates.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { redisHasTls } from '../support/redis-binary.ts'
import { noticesDuring } from './notices.ts'

const hasTls = await redisHasTls()

if (hasTls) {
  describe('the sample 16-tls', () => {
    let server: TestServer
    let mutual: TestServer
    let certificates: TestCertificates
    before(async () => {
      certificates = await testCertificates()
      server = await startRedis({ tls: 'server' })
      mutual = await startRedis({ tls: 'mutual' })
    })
    after(() => Promise.all([server.stop(), mutual.stop()]))

    async function works(store: Store): Promise<void> {
      await store.set('proof', 1, { ttl: '1m' })
      equal(await store.get('proof'), 1)
      await store.close()
    }

    it('trusts an authority that is handed in', () =>
      works(withAuthority(server.host, server.port, certificates.ca.cert)))

    it('trusts an authority that the environment names', () =>
      works(
        fromEnvironment({ REDIS_URL: server.url, REDIS_TLS_CA_FILE: certificates.ca.certFile }),
      ))

    it('shows a certificate of its own', () =>
      works(withCertificate(mutual.url, certificates.ca.cert, certificates.client)))

    it('is not let in without one where one is asked for', async () => {
      const store = withAuthority(mutual.host, mutual.port, certificates.ca.cert)
      await rejects(store.set('lost', 1), { code: 'ERR_STORE' })
      await store.close()
    })

    it('sends nothing to a server of another authority, and says so', async () => {
      const store = withAuthority(server.host, server.port, certificates.otherCa.cert)
      const notices = await noticesDuring(/MEMORYWARE_REDIS_AWAY/, async () => {
        await rejects(store.set('lost', 1), { code: 'ERR_STORE', outcome: 'not-sent' })
      })
      equal(notices.length, 1)
      equal(await server.client().exists('lost'), 0)
      await store.close()
    })
  })
} else {
  describe('the sample 16-tls, where Redis has no TLS', () => {
    it('is refused by a server that speaks none', async () => {
      const { ca } = await testCertificates()
      const server = await startRedis()
      const store = withAuthority(server.host, server.port, ca.cert)
      await rejects(store.set('lost', 1), { code: 'ERR_STORE' })
      deepEqual(await server.client().keys('*'), [])
      await store.close()
      await server.stop()
    })
  })
}
