import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import {
  type ComposeFile,
  composeFile,
  type RunningServices,
  runServices,
  type Service,
} from '../support/compose-file.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'

const password = 'lettersAndDigits1'
const nodes = [1, 2, 3, 4, 5, 6]

describe('docker-compose.yml', () => {
  let redis: Service
  let volumes: object
  before(async () => {
    const file = await composeFile()
    redis = file.services['redis'] as Service
    volumes = file.volumes
  })

  it('runs a Redis 7 of a fixed minor version, on Alpine', () => {
    assert.match(redis.image, /^redis:7\.\d+(\.\d+)?-alpine$/)
  })

  it('does not start without a password, and asks clients for it', () => {
    assert.match(setting(redis.command, '--requirepass'), /^\$\{REDIS_PASSWORD:\?.+\}$/)
    assert.match(String(redis.environment?.['REDISCLI_AUTH']), /^\$\{REDIS_PASSWORD:\?.+\}$/)
  })

  it('writes every change to disk within a second, into a named volume', () => {
    assert.equal(setting(redis.command, '--appendonly'), 'yes')
    assert.equal(setting(redis.command, '--appendfsync'), 'everysec')
    const [name = '', folder] = redis.volumes?.[0]?.split(':') ?? []
    assert.ok(Object.hasOwn(volumes, name), `${name} is not a named volume`)
    assert.equal(folder, '/data')
  })

  it('drops nothing when it is full', () => {
    assert.equal(setting(redis.command, '--maxmemory-policy'), 'noeviction')
    assert.notEqual(setting(redis.command, '--maxmemory'), '')
  })

  it('is published on the loopback address only', () => {
    assert.equal(redis.ports?.length, 1)
    for (const port of redis.ports) assert.match(port, /^127\.0\.0\.1:/)
  })

  it('is healthy when it answers', () => {
    assert.match(
      redis.healthcheck?.test.join(' ') ?? '',
      /^CMD-SHELL redis-cli ping \| grep -q PONG$/,
    )
  })

  it('has settings that Redis takes', async () => {
    const [program, ...args] = redis.command.map((word) => word.replace(/\$\{\w+:[-?](.*)\}/, '$1'))
    assert.equal(program, 'redis-server')
    const server = await startRedis({ args, password: setting(args, '--requirepass') })
    const [, policy] = (await server.client().config('GET', 'maxmemory-policy')) as string[]
    assert.equal(policy, 'noeviction')
    await server.stop()
  })
})

describe('the profiles of docker-compose.yml', () => {
  let file: ComposeFile
  let profiled: [string, Service][]
  before(async () => {
    file = await composeFile()
    profiled = Object.entries(file.services).filter(([, { profiles }]) => profiles !== undefined)
  })

  it('leave one Redis where none is asked for', () => {
    const services = Object.entries(file.services).filter(([, { profiles }]) => !profiles)
    assert.deepEqual(
      services.map(([name]) => name),
      ['redis'],
    )
  })

  it('run the same image, each in the network of its profile', () => {
    for (const [name, { image, network_mode, profiles = [], ports }] of profiled) {
      assert.equal(image, file.services['redis']?.image, name)
      const holdsIt = name === `${profiles[0]}-network`
      assert.equal(network_mode, holdsIt ? undefined : `service:${profiles[0]}-network`, name)
      assert.equal(ports !== undefined, holdsIt, name)
    }
  })

  it('are published on the loopback address only, each port under its own number', () => {
    for (const port of profiled.flatMap(([, { ports = [] }]) => ports))
      assert.match(port, /^127\.0\.0\.1:(\d+-\d+):\1$/)
  })

  it('keep what each server has in a named volume of its own', () => {
    const mounts = profiled.flatMap(([, service]) => service.volumes ?? [])
    const names = mounts.map((mount) => /^([\w-]+):\/data$/.exec(mount)?.[1] ?? mount)
    assert.equal(new Set(names).size, 11)
    for (const name of names) assert.ok(Object.hasOwn(file.volumes, name), name)
  })

  it('do not start without a password', () => {
    for (const [name, { environment, command }] of profiled) {
      if (command[0] !== 'sh') continue
      assert.match(String(environment?.['REDISCLI_AUTH']), /^\$\{REDIS_PASSWORD:\?.+\}$/, name)
    }
  })
})

describe('the profile cluster', function () {
  this.timeout(60_000)
  let services: RunningServices
  let store: Store
  before(async () => {
    services = await runServices(await composeFile(), { profile: 'cluster', password })
    await Promise.all(nodes.map((node) => services.start(`cluster-${node}`)))
    for (const node of nodes) await becomesHealthy(services, `cluster-${node}`)
    await services.complete('cluster')
    const address = `127.0.0.1:${services.port(7001)}`
    store = createStore({ cluster: [address], password, deadline: '1s' })
  })
  after(async () => {
    await store?.close()
    await services?.stop()
  })

  it('is a Cluster of three masters that an app on this host reaches, all from one address', async () => {
    const info = await eventually('the store answers', () => store.info())
    const ports = nodes.map((node) => services.port(7000 + node))
    assert.equal(info.nodes.length, 3)
    for (const { address } of info.nodes)
      assert.ok(
        ports.some((port) => address === `127.0.0.1:${port}`),
        address,
      )
    const values = Object.fromEntries(nodes.map((node) => [`key-${node}`, node]))
    await store.mset(values)
    assert.deepEqual(await store.mget(Object.keys(values)), nodes)
  })

  it('has a replica for each master', async () => {
    const roles = await Promise.all(nodes.map((node) => roleOf(services, 7000 + node)))
    assert.deepEqual(roles.sort(), [...Array(3).fill('master'), ...Array(3).fill('slave')])
  })

  it('is made once: the service that makes it finds it there', async () => {
    await services.complete('cluster')
  })

  it('goes on as it was when all of it is started again', async () => {
    await Promise.all(nodes.map((node) => services.kill(`cluster-${node}`)))
    await Promise.all(nodes.map((node) => services.start(`cluster-${node}`)))
    const kept = await eventually('the value is there', () => store.get('key-1'))
    assert.equal(kept, 1)
  })
})
describe('the profile sentinel', function () {
  this.timeout(60_000)
  const sentinels = [26379, 26380, 26381]
  const all = ['sentinel-master', 'sentinel-replica', 'sentinel-1', 'sentinel-2', 'sentinel-3']
  let services: RunningServices
  let store: Store
  before(async () => {
    services = await runServices(await composeFile(), { profile: 'sentinel', password })
    for (const name of all) {
      await services.start(name)
      if (!/\d/.test(name)) await becomesHealthy(services, name)
    }
    const addresses = sentinels.map((port) => `127.0.0.1:${services.port(port)}`)
    store = createStore({ sentinels: { nodes: addresses, password }, password, deadline: '1s' })
  })
  after(async () => {
    await store?.close()
    await services?.stop()
  })

  it('starts sentinels that find the master, its replica and each other', async () => {
    for (const [at, port] of sentinels.entries()) {
      await becomesHealthy(services, `sentinel-${at + 1}`)
      const client = services.client(port)
      const known = await eventually('the sentinel knows all', async () => {
        const [, , , status, ...rest] =
          String(await client.info('sentinel')).match(/[^,:]+=[^,\r]+/g) ?? []
        return status === 'slaves=1' && rest.includes('sentinels=3') ? status : undefined
      })
      assert.ok(known)
      const master = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')
      assert.deepEqual(master, ['127.0.0.1', `${services.port(6380)}`])
    }
  })

  it('leads an app on this host to the master, also after a failover', async () => {
    await eventually('the store writes', async () => (await store.set('key', 'before')) ?? true)
    const sentinel = services.client(26379)
    await eventually('the failover begins', () => sentinel.call('SENTINEL', 'FAILOVER', 'mymaster'))
    const promoted = `127.0.0.1:${services.port(6381)}`
    await eventually('the store has moved', async () => {
      const { nodes } = await store.info()
      return nodes[0]?.address === promoted || undefined
    })
    await store.set('key', 'after')
    assert.equal(await services.client(6381).get('key'), '"after"')
  })

  it('keeps the new master when all of it is started again', async () => {
    await eventually('the old master follows', async () =>
      (await roleOf(services, 6380)) === 'slave' ? true : undefined,
    )
    await Promise.all(all.map((name) => services.kill(name)))
    await Promise.all(all.map((name) => services.start(name)))
    assert.equal(await eventually('the value is there', () => store.get('key')), 'after')
    const roles = await Promise.all([6380, 6381].map((port) => roleOf(services, port)))
    assert.deepEqual(roles, ['slave', 'master'])
  })
})

async function becomesHealthy(services: RunningServices, name: string): Promise<void> {
  await eventually(`${name} is healthy`, async () => (await services.healthy(name)) || undefined)
}

async function roleOf(services: RunningServices, port: number): Promise<string> {
  const client = services.client(port)
  const [role] = await eventually('the server tells its role', () => client.role())
  return String(role)
}

function setting(words: readonly string[], name: string): string {
  const at = words.indexOf(name)
  return at === -1 ? '' : (words[at + 1] ?? '')
}
