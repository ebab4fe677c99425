import type { ConnectionOptions } from 'node:tls'
import { OptionError } from '../../errors.ts'
import { checkNames, type Names, wholeNumber } from '../../options.ts'
import { isRedisUrl, namesDatabase, parseNode } from '../../redis-url.ts'

/** Where Redis is: one server, a Cluster, or a master that Sentinels know. */
export interface Address {
  /** `redis://user:password@host:6379/0`, `rediss://…` for TLS, `unix:///path` for a socket. */
  readonly url?: string | undefined
  /** Name or address of the server. @default 'localhost' */
  readonly host?: string | undefined
  /** Its port. @default 6379 */
  readonly port?: number | undefined
  /** Nodes of a Cluster to start from, as `host:port` or `redis://host:port`; the others are found. */
  readonly cluster?: readonly string[] | undefined
  /** Sentinels that know the master. */
  readonly sentinels?: SentinelOptions | undefined
  /** Number of the database; a Cluster has only 0. @default 0 */
  readonly db?: number | undefined
  /** An ACL user. @default the default user */
  readonly username?: string | undefined
  /** Of that user. @default none */
  readonly password?: string | undefined
  /** Certificate authority, as PEM: connects with TLS. */
  readonly ca?: string | undefined
  /** Connects with TLS: `true`, or options of `tls.connect()`, such as a client certificate. @default off */
  readonly tls?: true | ConnectionOptions | undefined
}

/** How to find a master through Sentinels. */
export interface SentinelOptions {
  /** Sentinels to start from, as `host:port`; the others are found. */
  readonly nodes: readonly string[]
  /** Name of the master group. @default 'mymaster' */
  readonly name?: string | undefined
  /** An ACL user of the Sentinels. @default the default user */
  readonly username?: string | undefined
  /** Of that user. @default none */
  readonly password?: string | undefined
  /** Speaks TLS with the Sentinels too, with the options of the servers. @default false */
  readonly tls?: boolean | undefined
}

const sentinelNames: Names<SentinelOptions> = {
  nodes: true,
  name: true,
  username: true,
  password: true,
  tls: true,
}

/** Options of an address that are text. */
const texts = ['host', 'username', 'password', 'ca'] as const

/** Checks an address. @throws OptionError naming option, expectation and value. */
export function checkAddress(address: Address): void {
  const { url, port, db, cluster, sentinels, tls } = address
  for (const name of texts) checkText(name, address[name])
  if (url !== undefined) checkUrl(url, address)
  if (port !== undefined) wholeNumber('port', port, { max: 65_535 })
  if (db !== undefined) wholeNumber('db', db, { min: 0, max: 1_000_000 })
  if (tls !== undefined && tls !== true && (typeof tls !== 'object' || tls === null))
    throw new OptionError('tls', 'true or options of tls.connect()', tls)
  if (cluster !== undefined) {
    checkNodes('cluster', cluster)
    alone('cluster', address, ['url', 'host', 'port', 'db', 'sentinels'])
  }
  if (sentinels !== undefined) {
    checkSentinels(sentinels)
    alone('sentinels', address, ['url', 'host', 'port'])
  }
}

function checkUrl(url: string, address: Address): void {
  if (!isRedisUrl(url))
    throw new OptionError('url', 'a URL such as redis://host:6379', withoutPassword(String(url)))
  if (['host', 'port', 'username', 'password'].some((part) => given(address, part)))
    throw new OptionError(
      'url',
      'given without host, port, username and password',
      withoutPassword(url),
    )
  if (address.db !== undefined && namesDatabase(url))
    throw new OptionError('db', 'absent where the URL names a database', address.db)
}

function checkSentinels(sentinels: SentinelOptions): void {
  checkNames<SentinelOptions>('sentinels', sentinels, sentinelNames)
  checkNodes('sentinels.nodes', sentinels.nodes)
  for (const name of ['name', 'username', 'password'] as const)
    checkText(`sentinels.${name}`, sentinels[name])
  if (sentinels.tls !== undefined && typeof sentinels.tls !== 'boolean')
    throw new OptionError('sentinels.tls', 'true or false', sentinels.tls)
}

function checkNodes(option: string, nodes: readonly string[]): void {
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw new OptionError(option, 'a list of addresses such as host:6379', nodes)
  const wrong = nodes.find((node) => parseNode(node, 1) === undefined)
  if (wrong !== undefined)
    throw new OptionError(
      option,
      'a list of addresses such as host:6379, without user, password and database',
      withoutPassword(String(wrong)),
    )
}

function checkText(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string')
    throw new OptionError(option, 'a string', typeof value)
}

function alone(option: string, address: Address, others: readonly (keyof Address)[]): void {
  const other = others.find((name) => given(address, name))
  if (other !== undefined) throw new OptionError(other, `absent where \`${option}\` is given`, '…')
}

function given(address: Address, name: string): boolean {
  return address[name as keyof Address] !== undefined
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/.*@/, '//…@')
}
