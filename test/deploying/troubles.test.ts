import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store, type StoreOptions } from '../../lib/index.ts'
import { testCertificates } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { freePort, startRedis, type TestServer } from '../support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { startRedisSentinel } from '../support/redis-sentinel.ts'
import type { ServerOptions } from '../support/redis-settings.ts'
import { root } from '../support/source-files.ts'

describe('what docs/deploying.md says one sees', () => {
  let page: string
  let notices: string[]
  let store: Store | undefined
  let server: TestServer | undefined
  const listen = (event: unknown) => {
    const { code, message } = event as { code: string; message: string }
    notices.push(`[${code}] MemorywareNotice: ${message}`)
  }
  before(async () => {
    page = await readFile(join(root, 'docs/deploying.md'), 'utf8')
    subscribe('memoryware:notice', listen)
  })
  after(() => unsubscribe('memoryware:notice', listen))
  beforeEach(() => {
    notices = []
  })
  afterEach(async () => {
    await store?.close()
    await server?.stop()
    store = undefined
    server = undefined
  })

  /** Asserts that a line stands in a block under a heading, with the page's address in it. */
  function stands(line: string, heading: string): void {
    const section = page.split('\n### ').find((each) => each.startsWith(`${heading}\n`)) ?? ''
    const told = line.replace(/127\.0\.0\.1:\d+/, 'localhost:6379')
    assert.ok(section.includes(`\n${told}\n`), `Not under "${heading}": ${told}`)
  }

  async function open(settings: ServerOptions, options: (at: TestServer) => StoreOptions) {
    server = await startRedis(settings)
    store = createStore(options(server))
    return store
  }

  /** What a call fails with, once the store has found out; no call where there is no failure. */
  async function failure(call: () => Promise<unknown>): Promise<Error> {
    return eventually('it fails', () =>
      call().then(
        () => undefined,
        (error: Error) => error,
      ),
    )
  }

  const noticed = () => eventually('it is told', async () => notices[0])
  const set = () => (store as Store).set('key', 1)

  it('is right about a refused connection', async () => {
    store = createStore({ host: '127.0.0.1', port: await freePort() })
    stands(String(await failure(set)), 'Connection refused')
    stands(await noticed(), 'Connection refused')
  })

  it('is right about Sentinels that know no such master, and says it once', async () => {
    const watched = await startRedisSentinel()
    store = createStore({ sentinels: { nodes: watched.sentinels, name: 'another' } })
    await noticed()
    await sleep(1000)
    await watched.stop()
    assert.equal(notices.length, 1)
    stands(notices[0]?.replace('another', 'mymaster') ?? '', 'Connection refused')
  })

  for (const [what, wrong] of [
    ['wrong', { password: 'wrong' }],
    ['missing', {}],
  ] as const) {
    it(`is right about a password that is ${what}`, async () => {
      await open({ password: 'right' }, ({ host, port }) => ({ host, port, ...wrong }))
      stands(await noticed(), 'Wrong password')
      assert.match(
        String(await failure(set)),
        /^StoreError: Store failed on set: (timeout|unavailable)$/,
      )
    })
  }

  it('is right about a certificate of an authority that is not trusted', async () => {
    await open({ tls: 'server' }, ({ url }) => ({ url }))
    stands(await noticed(), 'Wrong authority')
  })

  it('is right about a certificate that is made out to another name', async () => {
    const { ca } = await testCertificates()
    const tls = { servername: 'other.example.com' }
    await open({ tls: 'server' }, ({ url }) => ({ url, ca: ca.cert, tls }))
    assert.match(await noticed(), /ERR_TLS_CERT_ALTNAME_INVALID/)
    assert.ok(page.includes('`ERR_TLS_CERT_ALTNAME_INVALID`'))
  })

  it('is right about a database that is not there', async () => {
    await open({}, ({ host, port }) => ({ host, port, db: 99 }))
    stands(await noticed(), 'Wrong database')
    stands(String(await failure(set)), 'Wrong database')
    const databases = await (server as TestServer).client().info('keyspace')
    assert.doesNotMatch(databases, /db0/)
  })

  it('is right about a server that is full, and a value that is too large', async () => {
    await open({ args: ['--maxmemory', '500kb'] }, ({ url }) => ({ url, maxValueBytes: 1000 }))
    const error = await failure(set)
    stands(String(error).replace('on set', 'on append'), 'Out of memory')
    stands((error.cause as Error).message, 'Out of memory')
    const large = await failure(() => (store as Store).set('key', 'x'.repeat(2000)))
    assert.equal(large.message, 'Store failed on set: full')
    assert.match(String(large.cause), /`maxValueBytes`/)
  })

  it('is right about a server that does not answer in time', async () => {
    await open({}, ({ url }) => ({ url }))
    await eventually('it answers', () => set().then(() => true))
    server?.freeze()
    stands(String(await failure(() => (store as Store).get('key'))), 'Slow operations')
  })

  it('is right about too many clients', async () => {
    server = await startRedis({ args: ['--maxclients', '2'] })
    const [one, other] = [server.client(), server.client()]
    await Promise.all([one.ping(), other.ping()])
    store = createStore({ url: server.url })
    assert.match(await noticed(), /ERR max number of clients reached$|\((EPIPE|ECONNRESET)\)$/)
  })

  it('is right about an AOF that is not in the configuration', async () => {
    server = await startRedis()
    const admin = server.client()
    await admin.config('SET', 'appendonly', 'yes')
    await admin.set('key', 'value')
    await sleep(1100)
    await server.kill()
    await server.restart()
    assert.equal(await server.client().get('key'), null)
  })

  it('is right about keys that do not expire', async () => {
    const opened = await open({}, ({ url }) => ({ url, deadline: '1s' }))
    await eventually('it answers', () => opened.set('kept', 1).then(() => true))
    await opened.set('ends', 1, { ttl: '1h' })
    assert.equal(await opened.ttl('kept'), Infinity)
    assert.ok(((await opened.ttl('ends')) ?? 0) <= 3600)
    await (server as TestServer).client().set('ends', 'by hand')
    assert.equal(await opened.ttl('ends'), Infinity)
    assert.equal(await opened.expire('ends', '1h'), true)
  })

  it('is right about the names of connections, and about how many there are', async () => {
    const pool = { bodies: 1, scans: 1 }
    const opened = await open({}, ({ url }) => ({ url, pool }))
    const leave = await eventually('it listens', () => opened.subscribe('any', () => {}))
    const clients = async () => {
      const list = String(await (server as TestServer).client().client('LIST'))
      return [...list.matchAll(/ name=(memoryware\S*)/g)].map(([, name]) => name).sort()
    }
    const names = ['memoryware', 'memoryware-bodies', 'memoryware-messages', 'memoryware-scans']
    await eventually('all are there', async () => (await clients()).length === 4 || undefined)
    assert.deepEqual(await clients(), names)
    await leave()
    await opened.close()
    await eventually('they are gone', async () => (await clients()).length === 0 || undefined)
  })

  describe('on a Cluster', function () {
    this.timeout(60_000)
    let cluster: RedisTestCluster
    before(async () => {
      cluster = await startRedisCluster({ replicas: 0 })
    })
    after(() => cluster.stop())

    it('is right about MOVED', async () => {
      const owner = await cluster.ownerOf('key')
      const other = cluster.nodes.find((node) => node !== owner)
      store = createStore({ url: other?.url })
      const error = await eventually('it is refused', async () => {
        const failed = await failure(set)
        return failed.message.endsWith('refused') ? failed : undefined
      })
      stands(String(error), 'MOVED and CROSSSLOT')
      assert.match((error.cause as Error).message, /^MOVED \d+ 127\.0\.0\.1:\d+$/)
    })

    it('is right about keys of several slots', async () => {
      const node = await cluster.ownerOf('a')
      const crossed = await failure(() => node.client().mget('a', 'b'))
      stands(crossed.message, 'MOVED and CROSSSLOT')
      const script = "return redis.call('GET', 'b')"
      const undeclared = await failure(() => node.client().eval(script, 1, 'a'))
      const [said = ''] =
        /^ERR Script attempted to access a non local key in a cluster node/.exec(
          undeclared.message,
        ) ?? []
      assert.ok(said && page.includes(`\`${said}\``), undeclared.message)
    })

    it('is right about a single server that is given as a Cluster', async () => {
      server = await startRedis()
      store = createStore({ cluster: [`${server.host}:${server.port}`] })
      const { message } = (await failure(set)) as Error
      assert.match(message, /timeout|unavailable/)
      assert.ok(page.includes('`(ERR This instance has cluster support disabled)`'))
    })
  })
})
