import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { eventually } from './eventually.ts'
import { type ClientOptions, startRedis, type TestServer } from './redis.ts'
import { REPLICATION, type ServerOptions } from './redis-settings.ts'
import { withClient } from './short-client.ts'

/**
 * Settings of a watched master; `args` and `password` are those of both servers. No spaces in
 * passwords: Sentinel writes them into its file without quotes, and does not start from it again.
 */
export interface SentinelSettings extends Pick<ServerOptions, 'args' | 'password'> {
  /** The password of the sentinels themselves. */
  readonly sentinelPassword?: string
}

/** A master, its replica, and three sentinels that watch them, on free ports of 127.0.0.1. */
export interface RedisTestSentinel {
  /** The name the sentinels have for the master. */
  readonly name: string
  /** Where the sentinels listen: `127.0.0.1:port`. */
  readonly sentinels: readonly string[]
  /** The sentinels, to freeze or kill one. */
  readonly watchers: readonly TestServer[]
  /** The two servers, the one that began as master first. */
  readonly servers: readonly TestServer[]
  /** Who is master now: whom all sentinels that answer name, once they agree. */
  master(): Promise<TestServer>
  /** Lets the replica take the master's place (SENTINEL FAILOVER); resolves when all follow it. */
  failover(): Promise<TestServer>
  /**
   * Resolves when the sentinels that answer agree on a master, who answers as such and is followed
   * by the other server unless that one is away: after a start, after the master was killed.
   */
  settled(): Promise<void>
  /** A fresh plain client that asks the sentinels for the master; `stop()` closes it. */
  client(options?: ClientOptions): Redis
  /** Ends all five, frozen or not, closes the clients and removes the folders. */
  stop(): Promise<void>
}

interface Watched {
  readonly name: string
  readonly servers: readonly TestServer[]
  readonly watchers: readonly TestServer[]
}

/** Starts all five, and waits until the sentinels know each other and the replica is in sync. */
export async function startRedisSentinel(
  settings: SentinelSettings = {},
): Promise<RedisTestSentinel> {
  const started: TestServer[] = []
  const start = async (options: ServerOptions) => {
    const server = await startRedis({ ...options, peers: true })
    started.push(server)
    return server
  }
  // A name of its own: sentinels that meet by chance would watch what has one name together.
  const name = `mymaster-${randomUUID().slice(0, 8)}`
  try {
    const master = await start(serverOptions(settings, []))
    const others = await Promise.allSettled([
      start(serverOptions(settings, [`replicaof ${master.host} ${master.port}`])),
      ...[1, 2, 3].map(() => start(watcherOptions(settings, name, master))),
    ])
    const failed = others.find((other) => other.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const [replica, ...watchers] = others.flatMap((o) =>
      o.status === 'fulfilled' ? [o.value] : [],
    )
    const servers = [master, ...(replica === undefined ? [] : [replica])]
    await Promise.all(watchers.map(hurry))
    await Promise.all(watchers.map((watcher) => knowsAll(watcher, name)))
    const sentinel = testSentinel({ name, servers, watchers }, settings)
    await sentinel.settled()
    return sentinel
  } catch (error) {
    await Promise.all(started.map((server) => server.stop()))
    throw error
  }
}

/** Who is master of whom stands in the file: sentinels have it rewritten when that changes. */
function serverOptions({ args = [], password }: SentinelSettings, config: string[]): ServerOptions {
  return password === undefined
    ? { config, args: [...REPLICATION, ...args] }
    : { config, password, args: [...REPLICATION, '--masterauth', password, ...args] }
}

function watcherOptions(
  settings: SentinelSettings,
  name: string,
  { host, port }: TestServer,
): ServerOptions {
  const { password, sentinelPassword } = settings
  const config = [
    `sentinel monitor ${name} ${host} ${port} 2`,
    `sentinel down-after-milliseconds ${name} 1000`,
    `sentinel failover-timeout ${name} 2000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
    ...(sentinelPassword === undefined ? [] : [`sentinel sentinel-pass ${sentinelPassword}`]),
  ]
  const locked = sentinelPassword === undefined ? {} : { password: sentinelPassword }
  return { config, args: ['--sentinel'], ...locked }
}

/** Sentinels tell of themselves every 2 s and ask a server for its role every 10 s. */
async function hurry(watcher: TestServer): Promise<void> {
  await withClient(watcher, (client) =>
    client.call('SENTINEL', 'DEBUG', 'PUBLISH-PERIOD', '200', 'INFO-PERIOD', '500'),
  )
}

async function knowsAll(watcher: TestServer, name: string): Promise<void> {
  await eventually('a sentinel knows the others and the replica', async () => {
    const state = await withClient(watcher, (client) => client.call('SENTINEL', 'MASTER', name))
    const fields = new Map(pairs(state as string[]))
    const known = [fields.get('num-other-sentinels'), fields.get('num-slaves')].join()
    return known === '2,1' || undefined
  })
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index) =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? ''] satisfies [string, string]] : [],
  )
}

function testSentinel(
  watched: Watched,
  { password, sentinelPassword }: SentinelSettings,
): RedisTestSentinel {
  const { name, servers, watchers } = watched
  const clients = new Set<Redis>()
  const settledOn = (wanted?: TestServer) =>
    eventually('the sentinels agree on a master, and all follow it', async () => {
      const master = await masterNamed(watched)
      if (master === undefined || (wanted !== undefined && master !== wanted)) return undefined
      const follows = await Promise.all(servers.map((server) => follow(server, master)))
      return follows.every((does) => does) ? master : undefined
    })

  const sentinel: RedisTestSentinel = {
    name,
    sentinels: watchers.map(({ host, port }) => `${host}:${port}`),
    watchers,
    servers,
    master: () => eventually('the sentinels agree', () => masterNamed(watched)),
    async failover() {
      const old = await sentinel.master()
      await eventually('a sentinel begins', () => beginFailover(watched))
      return settledOn(servers.find((server) => server !== old))
    },
    async settled() {
      await settledOn()
    },
    client(options = {}) {
      const client = new Redis({
        sentinels: watchers.map(({ host, port }) => ({ host, port })),
        name,
        protocol: 2,
        maxRetriesPerRequest: null,
        retryStrategy: () => 50,
        sentinelRetryStrategy: () => 50,
        ...(password === undefined ? {} : { password }),
        ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
        ...options,
      })
      client.on('error', () => {}) // It tries again: servers may be killed meanwhile.
      clients.add(client)
      return client
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await Promise.all([...servers, ...watchers].map((server) => server.stop()))
    },
  }
  return sentinel
}

/** Whom all sentinels that answer name; undefined while they disagree. */
async function masterNamed({ name, servers, watchers }: Watched): Promise<TestServer | undefined> {
  const answers = await Promise.allSettled(watchers.map((watcher) => portNamed(watcher, name)))
  const ports = new Set(
    answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
  )
  return ports.size === 1 ? servers.find(({ port }) => ports.has(port)) : undefined
}

async function portNamed(watcher: TestServer, name: string): Promise<number> {
  const address = await withClient(watcher, (client) =>
    client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
  )
  return Number((address as [string, string])[1])
}

/** A sentinel refuses while it has not heard from the replica lately, or another failover goes on. */
function beginFailover({ name, watchers }: Watched): Promise<unknown> {
  const [first, ...others] = watchers.map(
    (watcher) => () => withClient(watcher, (client) => client.call('SENTINEL', 'FAILOVER', name)),
  )
  return others.reduce((before, next) => before.catch(next), Promise.resolve().then(first))
}

/** Whether a server is that master, follows it, or is away. */
async function follow(server: TestServer, master: TestServer): Promise<boolean> {
  const role = await withClient(server, (client) => client.role() as Promise<unknown[]>).catch(
    () => undefined,
  )
  if (server === master) return role?.[0] === 'master'
  return role === undefined || (role[2] === master.port && role[3] === 'connected')
}
