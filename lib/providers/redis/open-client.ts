import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { redacted } from '../../redact.ts'
import { parseNode } from '../../redis-url.ts'
import type { Address } from './address.ts'
import { quickenStrings } from './quick-strings.ts'

quickenStrings()

/** A client of one server, found by itself or through Sentinels, or of a Cluster. */
export type Client = Redis | Cluster

/** What a connection is for: its name on the server tells. */
export type Purpose = 'commands' | 'bodies' | 'scans' | 'messages'

/** Whether this is a client of a Cluster, also where another copy of the driver made it. */
export function isCluster(client: Client): client is Cluster {
  return (client as Partial<Cluster>).isCluster === true
}

/** Connects with options under which nothing hangs, queues without bound or is sent twice. */
export function openClient(address: Address, purpose: Purpose): Client {
  if (address.cluster !== undefined) return openCluster(address.cluster, address, purpose)
  const options = { ...commonOptions(address, purpose), ...limits }
  if (address.sentinels !== undefined) return openBehindSentinels(address, options)
  if (address.url === undefined)
    return new Redis(defined({ ...options, host: address.host, port: address.port }))
  const { url, ...login } = withoutLogin(address.url)
  return new Redis(url.replace(/^unix:\/\//, ''), defined({ ...options, ...login }))
}

/** The driver would keep the password of a URL as text, print it with itself, and trace it. */
function withoutLogin(url: string): { url: string } & Pick<Options, 'username' | 'password'> {
  const parsed = new URL(url)
  if (parsed.protocol === 'unix:' || parsed.password === '') return { url }
  const username = parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }
  const password = masked(decodeURIComponent(parsed.password))
  Object.assign(parsed, { username: '', password: '' })
  return { url: parsed.href, ...username, ...defined({ password }) }
}

/**
 * A password that only the socket can read: where it is refused, the driver puts it on the error and
 * on its tracing channel. The driver sends bytes as they are.
 */
function masked(password: string | undefined): string | undefined {
  return password === undefined ? undefined : (redacted(password) as unknown as string)
}

/** Another client like the one handed in, with a connection of its own. */
export function duplicateOf(client: Client, purpose: Purpose): Client {
  const patience = purpose === 'messages' ? listening : {}
  if (isCluster(client)) return client.duplicate([], { redisOptions: patience })
  return client.duplicate({ connectionName: nameOf(purpose), ...patience })
}

type Options = Omit<RedisOptions, 'replyMapping'>

/**
 * An attempt that hangs takes a second (`connectTimeout`): with a wait before it and one behind it that
 * is still less than the two seconds within which service is to be as usual.
 */
const backoff = (attempt: number) =>
  Math.min(50 * 2 ** Math.min(attempt - 1, 3), 250) + Math.random() * 50

/** Holds for each connection to a server. */
const bounds = {
  // RESP3 reads integers above 2^53 as others.
  protocol: 2 as const,
  connectTimeout: 1000,
  // The only cure for a peer that is gone without a word. There is no commandTimeout: the deadline
  // is ours, and the driver's would refuse replies that came while this process was busy.
  socketTimeout: 1000,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableReadyCheck: true,
  // While a server loads its data it says for how much longer, and may be wrong by ten seconds.
  maxLoadingRetryTime: 250,
}

const limits = {
  ...bounds,
  enableOfflineQueue: false,
  retryStrategy: backoff,
  reconnectOnError: (error: Error) =>
    /^(READONLY|UNBLOCKED)/.test(error.message) ? (1 as const) : false,
}

/**
 * A connection that listens is silent for as long as nobody speaks. The driver would subscribe again
 * by itself, and where it may not any more, its rejected promise would end the process.
 */
const listening = { socketTimeout: undefined, keepAlive: 10_000, autoResubscribe: false }

function commonOptions({ db, username, password, ...address }: Address, purpose: Purpose): Options {
  return defined({
    db,
    username,
    password: masked(password),
    tls: tlsOf(address),
    connectionName: nameOf(purpose),
  })
}

function openCluster(nodes: readonly string[], address: Address, purpose: Purpose): Cluster {
  const startup = nodes.flatMap((node) => parseNode(node, 6379) ?? [])
  const tls = tlsOf(address) ?? (startup.some((node) => node.tls) ? {} : undefined)
  const { db: _, ...common } = commonOptions(address, purpose)
  return new Cluster(
    startup.map(({ host, port }) => ({ host, port })),
    {
      // A node is connected to by the first command for it: those right behind it must wait, not fail.
      enableOfflineQueue: true,
      clusterRetryStrategy: backoff,
      // A command that was lost with its connection may have been carried out.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 50,
      // A slot that moves is there again within milliseconds.
      retryDelayOnTryAgain: 20,
      slotsRefreshTimeout: 1000,
      slotsRefreshInterval: 5000,
      // Certificates are made out to names: the driver would look up their addresses first.
      ...(tls === undefined ? {} : { dnsLookup: (name, done) => done(null, name) }),
      redisOptions: { ...common, ...bounds, ...defined({ tls }), ...silence(purpose) },
    },
  )
}

function openBehindSentinels({ sentinels, ...address }: Address, options: Options): Redis {
  const { nodes = [], name = 'mymaster', username, password, tls = false } = sentinels ?? {}
  const secure = tlsOf(address)
  return new Redis(
    defined({
      ...options,
      name,
      sentinels: nodes.flatMap((node) => parseNode(node, 26_379) ?? []),
      sentinelUsername: username,
      sentinelPassword: masked(password),
      sentinelRetryStrategy: backoff,
      sentinelCommandTimeout: 1000,
      enableTLSForSentinelMode: secure === undefined ? undefined : true,
      sentinelTLS: tls ? (secure ?? {}) : undefined,
      // A master that hangs is left as soon as the Sentinels name another.
      failoverDetector: true,
    }),
  )
}

function tlsOf({ ca, tls }: Pick<Address, 'ca' | 'tls'>): Options['tls'] {
  if (ca === undefined && tls === undefined) return undefined
  return { ...(tls === true ? {} : tls), ...(ca === undefined ? {} : { ca }) }
}

function silence(purpose: Purpose): Options {
  return purpose === 'messages' ? listening : {}
}

function nameOf(purpose: Purpose): string {
  return purpose === 'commands' ? 'memoryware' : `memoryware-${purpose}`
}

function defined<T extends object>(options: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as never
}
