import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'mocha'
import { type Diagnosis, diagnose } from '../../lib/doctor.ts'
import { createStore } from '../../lib/index.ts'
import { byName, findingsOn, found, troubles } from '../doctor/findings.ts'
import { packedConsumer } from '../support/consumer.ts'
import { eventually } from '../support/eventually.ts'
import { killAtExit } from '../support/processes.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../support/redis-sentinel.ts'

const args = ['--maxmemory', '100mb', '--appendonly', 'yes']
const withinMs = 3000

describe('a doctor while Redis is away', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({ args })
  })
  after(() => server.stop())

  /** The packed program: how it ended, and after how many milliseconds. */
  async function packed(
    ...words: string[]
  ): Promise<{ diagnosis: Diagnosis; code: number; tookMs: number }> {
    const { folder, installed } = await packedConsumer()
    const began = performance.now()
    const program = [`${installed}/dist/bin/memoryware.js`, 'doctor', '--json', ...words]
    const child = spawn(process.execPath, program, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    killAtExit(child)
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return { diagnosis: JSON.parse(stdout), code, tookMs: performance.now() - began }
  }

  it('ends in time where Redis is frozen, down, or takes connections and says nothing', async function () {
    this.timeout(120_000)
    await packedConsumer()
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    server.freeze()
    const frozen = await packed('--url', server.url)
    server.thaw()
    const speechless = await packed('--url', `redis://127.0.0.1:${port}`)
    silent.close()
    await server.kill()
    const down = await packed('--url', server.url)
    await server.restart()
    const back = await packed('--url', server.url)
    for (const [end, says] of [
      [frozen, /does not answer/],
      [speechless, /does not answer/],
      [down, /nothing listens/],
    ] as const) {
      equal(end.code, 1)
      ok(end.tookMs < withinMs, `${end.tookMs} ms`)
      found(byName(end.diagnosis.findings)['connection'], 'failure', says)
    }
    deepEqual([back.code, back.diagnosis.healthy], [0, true])
  })

  it('ends in time where Redis freezes behind a store that was connected', async () => {
    const store = createStore({ url: server.url, deadline: '1s' })
    await eventually('it is connected', () => store.set('a', 1).then(() => true))
    server.freeze()
    const began = performance.now()
    const { findings } = await diagnose(store)
    const tookMs = performance.now() - began
    server.thaw()
    ok(tookMs < withinMs, `${tookMs} ms`)
    found(byName(findings)['connection'], 'failure', /does not answer/)
    const again = await eventually('it is well again', async () => {
      const { healthy, findings: all } = await diagnose(store)
      return healthy ? all : undefined
    })
    deepEqual(troubles(byName(again)), [])
    await store.close()
  })

  it('tells a port without TLS, and a server that is no Cluster', async () => {
    const secure = await findingsOn({ url: server.url.replace('redis:', 'rediss:') })
    found(secure['connection'], 'failure', /TLS/, /redis:\/\//)
    const { connection } = await findingsOn({ cluster: [`127.0.0.1:${server.port}`] })
    found(connection, 'failure', /no Cluster/, /REDIS_URL/)
  })
})

describe('a doctor of a Cluster', () => {
  let cluster: RedisTestCluster
  before(async function () {
    this.timeout(60_000)
    // Nobody takes the place of a frozen server while it is looked for.
    cluster = await startRedisCluster({ args: [...args, '--cluster-replica-no-failover', 'yes'] })
  })
  after(() => cluster.stop())

  it('finds nothing where all is in order', async () => {
    const findings = await findingsOn({ cluster: cluster.urls })
    deepEqual(troubles(findings), [])
    match(findings['database']?.found ?? '', /only database of the Cluster/)
  })

  it('finds the one server that is not as the others, and keys on any', async () => {
    const [one] = await cluster.masters()
    ok(one)
    const admin = one.client()
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-hset')
    const others = await cluster.masters()
    for (const other of others.slice(1))
      await other.client().call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all')
    const plain = cluster.client()
    for (const name of ['a', 'b', 'c', 'd']) await plain.set(`limit:{${name}}:x:f`, 1)
    const nodes = { cluster: cluster.urls, username: 'app', password: 'secret' }
    const findings = await findingsOn(nodes)
    found(
      findings['eviction'],
      'warning',
      new RegExp(`^On .*:${one.port}: .*allkeys-lru`),
      /noeviction/,
    )
    found(findings['rights'], 'failure', /lacks \+hset\./, /SETUSER app \+hset/)
    found(findings['expiry'], 'warning', /4 \(limit\)/)
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
  })

  it('takes no node of it for a server alone', async () => {
    const { connection } = await findingsOn({ url: cluster.urls[0] })
    found(connection, 'failure', /node of a Cluster/, /REDIS_CLUSTER_NODES/)
  })

  // The driver picks by chance which node it asks first, and which for whether it is ready.
  for (const time of ['once', 'again', 'and again'])
    it(`names the one server that does not answer, ${time}`, async () => {
      const [one] = await cluster.masters()
      ok(one)
      one.freeze()
      const began = performance.now()
      const { connection } = await findingsOn({ cluster: cluster.urls })
      const tookMs = performance.now() - began
      one.thaw()
      found(connection, 'failure', new RegExp(`no answer from .*:${one.port}`), /cluster check/)
      ok(tookMs < withinMs, `${tookMs} ms`)
      await cluster.settled()
    })
})

describe('a doctor of a master behind Sentinels', () => {
  let watched: RedisTestSentinel
  before(async function () {
    this.timeout(60_000)
    watched = await startRedisSentinel({ args })
  })
  after(() => watched.stop())

  it('wants bounds on what a failover loses, and is content with them', async () => {
    const sentinels = { nodes: watched.sentinels, name: watched.name }
    const loose = await findingsOn({ sentinels })
    found(loose['replication'], 'warning', /min-replicas-to-write/, /min-replicas-max-lag/)
    const master = (await watched.master()).client()
    await master.config('SET', 'min-replicas-to-write', '1')
    const bound = await eventually('the replica keeps up', async () => {
      const findings = await findingsOn({ sentinels })
      return troubles(findings).length === 0 ? findings : undefined
    })
    match(bound['replication']?.found ?? '', /1 replica/)
  })

  it('says that Sentinels know no such master, and that a Sentinel is no server', async () => {
    const [first = ''] = watched.sentinels
    const wrong = await findingsOn({ sentinels: { nodes: watched.sentinels, name: 'nobody' } })
    found(wrong['connection'], 'failure', /no master of that name/, /REDIS_SENTINEL_NAME/)
    const { connection } = await findingsOn({ url: `redis://${first}` })
    found(connection, 'failure', /is a Sentinel/, /REDIS_SENTINELS/)
    const server = `127.0.0.1:${watched.servers[0]?.port}`
    const reverse = await findingsOn({ sentinels: { nodes: [server] } })
    found(reverse['connection'], 'failure', /no Sentinel/, /REDIS_SENTINELS/)
  })

  it('says that it got to a replica', async () => {
    const master = await watched.master()
    const replica = watched.servers.find(({ port }) => port !== master.port)
    const { replication } = await findingsOn({ url: replica?.url })
    found(replication, 'failure', /replica of .* link is up/, /REDIS_SENTINELS/)
  })
})
