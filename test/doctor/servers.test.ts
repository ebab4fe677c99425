import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { after, afterEach, before, describe, it } from 'mocha'
import { diagnose } from '../../lib/doctor.ts'
import { createStore } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { freePort, startRedis, type TestServer } from '../support/redis.ts'
import { byName, findingsOn, found, troubles } from './findings.ts'

const sound = {
  maxmemory: '100mb',
  'maxmemory-policy': 'noeviction',
  appendonly: 'yes',
  appendfsync: 'everysec',
  save: '',
  'min-replicas-to-write': '0',
}

describe('a doctor of a server', () => {
  let server: TestServer
  let admin: Redis
  const set = (changes: Partial<typeof sound>) =>
    admin.config('SET', ...Object.entries(changes).flat())
  const look = () => findingsOn({ url: server.url, prefix: 'app:' })
  before(async () => {
    server = await startRedis({ args: Object.entries(sound).flatMap(([k, v]) => [`--${k}`, v]) })
    admin = server.client()
  })
  afterEach(async () => {
    await admin.replicaof('NO', 'ONE')
    await set(sound)
    await admin.flushall()
  })
  after(() => server.stop())

  it('finds nothing where all is in order, and writes nothing', async () => {
    await admin.set('somebody', 'else')
    await admin.config('RESETSTAT')
    const findings = await look()
    deepEqual(troubles(findings), [])
    deepEqual(Object.keys(findings), [
      ...['node', 'connection', 'version', 'eviction', 'memory', 'persistence', 'replication'],
      ...['rights', 'database', 'expiry', 'clock'],
    ])
    match(findings['connection']?.found ?? '', /answers in \d+\.\d ms/)
    const commands = await admin.info('commandstats')
    const names = [...commands.matchAll(/cmdstat_([^:]+):/g)].map(([, name]) => name)
    const asked = ['acl', 'client|setname', 'client|setinfo', 'command', 'config', 'eval', 'info']
    deepEqual(
      names.filter(
        (name) =>
          !/^(config\|(get|resetstat)|scan|time|quit|hello|auth)$/.test(`${name}`) &&
          !asked.includes(`${name}`),
      ),
      [],
    )
  })

  it('finds nothing on a store that is used', async () => {
    const store = createStore({ url: server.url, prefix: 'app:', deadline: '1s' })
    await store.budgets.charge([
      { key: 'limit:{user~ann}:b:f', algorithm: 'fixed', limit: 9, windowMs: 60_000, cost: 1 },
    ])
    await store.set('sess:one', 1, { ttl: '1m' })
    await store.set('mine', 1)
    const { findings } = await diagnose(store)
    deepEqual(troubles(byName(findings)), [])
    match(JSON.stringify(findings), /2 of 3 keys looked at are memoryware's/)
    await store.close()
  })

  it('finds a policy that can drop sessions, and what it has dropped', async () => {
    await set({ 'maxmemory-policy': 'allkeys-lru' })
    found((await look())['eviction'], 'warning', /allkeys-lru/, /maxmemory-policy noeviction/)
    await set({ 'maxmemory-policy': 'volatile-lfu' })
    found((await look())['eviction'], 'warning', /volatile-lfu/, /maxmemory-policy noeviction/)
    await set({ 'maxmemory-policy': 'volatile-ttl' })
    found((await look())['eviction'], 'ok', /volatile-ttl/)
    await set({ maxmemory: '3mb', 'maxmemory-policy': 'allkeys-lru' })
    for (let key = 0; key < 60; key += 1) await admin.set(`a${key}`, Buffer.alloc(100_000))
    found((await look())['eviction'], 'failure', /\d+ keys are gone/, /maxmemory-policy noeviction/)
    await admin.config('RESETSTAT')
  })

  it('finds memory without a bound, and memory that is full', async () => {
    await set({ maxmemory: '0', 'maxmemory-policy': 'allkeys-lru' })
    const unbound = await look()
    found(unbound['memory'], 'warning', /no maxmemory/, /Set `maxmemory`/)
    found(unbound['eviction'], 'ok', /maxmemory is 0/)
    await set({ maxmemory: '100kb', 'maxmemory-policy': 'noeviction' })
    found((await look())['memory'], 'failure', /full, and writes fail/, /maxmemory/)
  })

  it('finds what a restart would lose', async () => {
    await set({ appendfsync: 'no' })
    found((await look())['persistence'], 'warning', /appendfsync no/, /appendfsync everysec/)
    await set({ appendonly: 'no' })
    found((await look())['persistence'], 'warning', /everything/, /appendonly yes/)
    await set({ save: '3600 1' })
    found((await look())['persistence'], 'warning', /save 3600 1/, /appendonly yes/)
  })

  it('finds a replica, and that its master is dead', async () => {
    const dead = await freePort()
    await admin.replicaof('127.0.0.1', dead)
    const { replication, connection } = await look()
    found(connection, 'ok', /answers/)
    found(
      replication,
      'failure',
      new RegExp(`replica of 127.0.0.1:${dead}.*down`),
      /REDIS_SENTINELS/,
    )
  })

  it('finds that replicas are missing without which it does not write', async () => {
    await set({ 'min-replicas-to-write': '1' })
    found((await look())['replication'], 'failure', /0 of 0 replicas/, /min-replicas-to-write/)
  })

  it('counts keys that never end, by kind and without names', async () => {
    await admin.hset('app:session:{ann}:chat', 's', 'x')
    await admin.rpush('app:session:{ann}:chat:m', 'x')
    await admin.set('app:limit:{user~ann}:a:w60000', 'x')
    await admin.set('app:cache:{ann}', 'x', 'EX', 60)
    await admin.set('app:mine-ann', 'x')
    const findings = await look()
    found(findings['expiry'], 'warning', /1 \(session\), 1 \(messages\), 1 \(limit\)|1 \(/, /ttl/)
    for (const kind of ['session', 'messages', 'limit'])
      match(findings['expiry']?.found ?? '', new RegExp(`1 \\(${kind}\\)`))
    doesNotMatch(JSON.stringify(findings), /ann|cached/)
  })

  it('finds keys of another program that start like ours', async () => {
    await admin.set('session:somebody', 'x', 'EX', 60)
    const findings = await findingsOn({ url: server.url })
    found(findings['database'], 'warning', /1 of 1 keys/, /prefix/)
    found((await look())['database'], 'ok', /0 of 1 keys/)
  })

  it('finds that a database is not there', async () => {
    found(
      (await findingsOn({ url: `${server.url}/99` }))['connection'],
      'failure',
      /no database 99/,
      /REDIS_DB/,
    )
    const client = new Redis(server.url, { db: 99, socketTimeout: 1000 })
    client.on('error', () => {})
    await client.ping()
    found((await findingsOn({ client }))['connection'], 'failure', /no database 99/, /REDIS_DB/)
    client.disconnect()
  })

  it('looks at a client handed in, under its own prefix, and leaves it open', async () => {
    const client = new Redis(server.url, { keyPrefix: 'mine:' })
    await admin.set('mine:session:{a}:b', 'x')
    const store = createStore({ client })
    const findings = Object.fromEntries(
      (await diagnose(store)).findings.map((each) => [each.name, each]),
    )
    found(findings['timeouts'], 'warning', /no socketTimeout/, /socketTimeout: 1000/)
    found(findings['expiry'], 'warning', /1 \(session\)/)
    equal(await client.ping(), 'PONG')
    client.disconnect()
    const patient = new Redis(server.url, { socketTimeout: 900 })
    found((await findingsOn({ client: patient }))['timeouts'], 'ok', /900 ms/)
    patient.disconnect()
    await store.close()
  })

  it('says that a client handed in is closed', async () => {
    const client = new Redis(server.url, { socketTimeout: 1000 })
    await Promise.all([once(client, 'end'), client.quit()])
    found((await findingsOn({ client }))['connection'], 'failure', /closed/)
  })
})

describe('a doctor of a server that', () => {
  let server: TestServer | undefined
  afterEach(() => server?.stop())

  it('could not write to its disk says so', async () => {
    server = await startRedis()
    const admin = server.client()
    const folder = dirname(server.path)
    await rm(folder, { recursive: true })
    await admin.bgsave()
    await eventually('the snapshot has failed', async () =>
      /rdb_last_bgsave_status:err/.test(await admin.info('persistence')) ? true : undefined,
    )
    const findings = await findingsOn({ url: server.url })
    found(findings['persistence'], 'failure', /last snapshot failed/, /dir/)
    // Its log stands there, and is read when it ends.
    await mkdir(folder)
    await writeFile(join(folder, 'output.log'), '')
  })

  it('has no CONFIG goes without', async () => {
    server = await startRedis({ config: ['rename-command CONFIG ""'], appendonly: true })
    const findings = await findingsOn({ url: server.url })
    found(findings['persistence'], 'ok', /not told/)
    deepEqual(
      troubles(findings).map((each) => each.split(':')[0]),
      ['memory'],
    )
  })

  it('is a node of a Cluster is not taken for a server alone', async () => {
    server = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    const { connection } = await findingsOn({ url: server.url })
    found(connection, 'failure', /node of a Cluster/, /REDIS_CLUSTER_NODES/)
  })

  it('asks for a password says what is wrong with it', async () => {
    server = await startRedis({ password: 'open sesame' })
    const { host, port } = server
    for (const password of [undefined, 'canary-4711']) {
      const findings = await findingsOn({ host, port, password })
      found(findings['connection'], 'failure', /refuses the user or the password/, /REDIS_PASSWORD/)
      doesNotMatch(JSON.stringify(findings), /canary|sesame/)
      equal(troubles(findings).length, 10)
    }
  })

  it('speaks TLS is not spoken to without, nor with an authority that is not trusted', async () => {
    server = await startRedis({ tls: 'server' })
    const { host, port } = server
    found(
      (await findingsOn({ host, port }))['connection'],
      'failure',
      /ends the connection/,
      /rediss/,
    )
    found(
      (await findingsOn({ url: server.url }))['connection'],
      'failure',
      /not signed by an authority/,
      /REDIS_TLS_CA_FILE/,
    )
    const { connection } = await findingsOn({ url: server.url, ca: server.tls?.ca })
    found(connection, 'ok', /answers/)
  })

  it('is not there is told from one whose name is not known', async () => {
    const port = await freePort()
    const { connection } = await findingsOn({ port })
    found(connection, 'failure', /nothing listens there/, /Start Redis/)
    const other = await findingsOn({ host: 'no-such-host.invalid' })
    found(other['connection'], 'failure', /name is not known/, /REDIS_HOST/)
  })
})
