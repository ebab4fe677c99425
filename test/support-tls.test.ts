import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import { type TestCertificates, testCertificates } from './support/certificates.ts'
import { type ClientOptions, startRedis, type TestServer } from './support/redis.ts'
import { redisHasTls } from './support/redis-binary.ts'
import { type RedisTestCluster, startRedisCluster } from './support/redis-cluster.ts'

const hasTls = await redisHasTls()

describe('testCertificates', () => {
  it('signs for the loopback address with one authority, and with the other nothing', async () => {
    const { ca, server, client, otherCa } = await testCertificates()
    const certificate = new X509Certificate(server.cert)
    assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
    assert.equal(certificate.checkHost('localhost'), 'localhost')
    const authority = new X509Certificate(ca.cert)
    const other = new X509Certificate(otherCa.cert)
    for (const { cert } of [server, client]) {
      assert.ok(new X509Certificate(cert).verify(authority.publicKey))
      assert.ok(!new X509Certificate(cert).verify(other.publicKey))
    }
    assert.ok(authority.ca && other.ca && !certificate.ca)
  })

  it('has them as files too, and makes them once', async () => {
    const { server } = await testCertificates()
    assert.equal(await readFile(server.certFile, 'utf8'), server.cert)
    assert.equal(await readFile(server.keyFile, 'utf8'), server.key)
    assert.equal((await testCertificates()).server, server)
  })
})

if (hasTls) {
  describe('startRedis with TLS', () => {
    let server: TestServer
    let certificates: TestCertificates
    before(async () => {
      certificates = await testCertificates()
      server = await startRedis({ tls: 'server', password: 'secret' })
    })
    after(() => server.stop())

    it('speaks TLS on its URL, over a restart too', async () => {
      assert.equal(server.url, `rediss://:secret@127.0.0.1:${server.port}`)
      assert.deepEqual(server.tls, { ca: certificates.ca.cert })
      assert.equal(await server.client().ping(), 'PONG')
      await server.restart()
      assert.equal(await server.client().ping(), 'PONG')
      assert.equal(await server.client({ path: server.path }).ping(), 'PONG')
    })

    it('is not trusted by who trusts another authority', async () => {
      const error = await refusal(server, { tls: { ca: certificates.otherCa.cert } })
      assert.match(error.message, /unable to verify|self.signed|certificate signature failure/)
    })

    it('does not answer who speaks no TLS', async () => {
      await refusal(server, { tls: undefined })
    })
  })

  describe('startRedis with TLS on both sides', () => {
    let server: TestServer
    before(async () => {
      server = await startRedis({ tls: 'mutual' })
    })
    after(() => server.stop())

    it('lets in who shows a certificate of its authority', async () => {
      assert.equal(await server.client().ping(), 'PONG')
    })

    it('lets in nobody without one, or with one of another authority', async () => {
      const { ca, otherCa } = await testCertificates()
      await refusal(server, { tls: { ca: ca.cert } })
      await refusal(server, { tls: { ca: ca.cert, cert: otherCa.cert, key: otherCa.key } })
    })
  })

  describe('startRedisCluster with TLS', function () {
    this.timeout(60_000)
    let cluster: RedisTestCluster
    before(async () => {
      cluster = await startRedisCluster({ tls: 'server', password: 'secret' })
    })
    after(() => cluster.stop())

    it('keeps keys on every node, and moves their slots', async () => {
      const client = cluster.client()
      const names = Array.from({ length: 30 }, (_, index) => `key:${index}`)
      for (const name of names) await client.set(name, name)
      await cluster.moveSlots(30)
      for (const name of names) assert.equal(await client.get(name), name)
      for (const url of cluster.urls) assert.match(url, /^rediss:/)
    })

    it('lets a replica take the place of its master', async () => {
      const [replica] = await cluster.replicas(await cluster.ownerOf('key:1'))
      assert.ok(replica)
      await cluster.promote(replica)
      assert.equal(await cluster.client().get('key:1'), 'key:1')
      assert.equal(await cluster.ownerOf('key:1'), replica)
    })
  })
} else {
  describe('startRedis without TLS in the binary', () => {
    it('says that the server knows no such setting', async () => {
      await assert.rejects(startRedis({ tls: 'server' }), /bad directive/i)
    })
  })
}

/** The error of a client that is not let in. */
async function refusal(server: TestServer, options: ClientOptions): Promise<Error> {
  const client = server.client({ ...options, retryStrategy: () => null, lazyConnect: true })
  const failed = new Promise<Error>((resolve) => client.once('error', resolve))
  await assert.rejects(client.connect())
  return Promise.race([failed, Promise.resolve(new Error('The connection was closed'))])
}
