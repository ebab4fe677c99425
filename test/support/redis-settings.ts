import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testCertificates } from './certificates.ts'

/** Settings of a server; without any it forgets everything when it ends. */
export interface ServerOptions {
  /** More settings, as on the command line: `['--maxmemory', '8mb']`. */
  readonly args?: readonly string[]
  /** The password of the default user. */
  readonly password?: string
  /** Writes every change to disk (AOF, fsync everysec), so that it survives `kill()`. */
  readonly appendonly?: boolean
  /** Lines of a configuration file, which the server keeps up to date: Sentinel asks for one. */
  readonly config?: readonly string[]
  /** Users beside the default one, in the words of ACL SETUSER: `'ann on >secret ~a:* +@read'`. */
  readonly users?: readonly string[]
  /**
   * Speaks TLS and nothing else, with a certificate of `testCertificates()`: `mutual` wants one of
   * the client too. Its Unix socket stays plain.
   */
  readonly tls?: 'server' | 'mutual'
  /** Speaks with other servers here: in Docker it then stands in the network of this host. */
  readonly peers?: boolean
}

/** What a client needs to be let in: an authority to trust, and where it is asked for a certificate. */
export interface ClientTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

/**
 * For servers with replicas: a replica that says it is in sync is sent every further write. Where
 * no file lies between, its master waits up to a second for a word from it, and sends nothing.
 */
export const REPLICATION = ['--repl-diskless-sync', 'no', '--rdb-del-sync-files', 'yes']

/** Writes the files that a server with these options reads, and gives its arguments. */
export async function settle(options: ServerOptions, folder: string): Promise<string[]> {
  const { args = [], password, appendonly = false, tls } = options
  // Redis takes a file as its first word only.
  const file = await configFile(options, folder)
  const kept = appendonly ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : []
  const locked = password === undefined ? [] : ['--requirepass', password]
  const secured = tls === undefined ? [] : await tlsArgs(tls, folder)
  return [...file, '--save', '', ...kept, ...locked, ...secured, ...args]
}

/** What a client of a server with these options needs for TLS; undefined where that speaks none. */
export async function clientTls({ tls }: ServerOptions): Promise<ClientTls | undefined> {
  if (tls === undefined) return undefined
  const { ca, client } = await testCertificates()
  return tls === 'server' ? { ca: ca.cert } : { ca: ca.cert, cert: client.cert, key: client.key }
}

async function configFile(
  { config, users = [] }: ServerOptions,
  folder: string,
): Promise<string[]> {
  if (config === undefined && users.length === 0) return []
  const path = join(folder, 'redis.conf')
  const lines = [...(config ?? []), ...users.map((user) => `user ${user}`)]
  await writeFile(path, lines.join('\n'))
  return [path]
}

async function tlsArgs(tls: 'server' | 'mutual', folder: string): Promise<string[]> {
  const certificates = await testCertificates()
  // Into the server's own folder: a container sees no other.
  const own = join(folder, 'tls')
  await cp(certificates.folder, own, { recursive: true })
  return [
    ...['--tls-cert-file', join(own, 'server.crt'), '--tls-key-file', join(own, 'server.key')],
    ...['--tls-ca-cert-file', join(own, 'ca.crt')],
    ...['--tls-auth-clients', tls === 'mutual' ? 'yes' : 'no'],
  ]
}
