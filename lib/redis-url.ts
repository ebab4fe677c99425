/** Whether text says where a Redis is: `redis://user:password@host:6379/0`, `rediss://…`, `unix:///path`. */
export function isRedisUrl(text: unknown): text is string {
  if (typeof text !== 'string' || !URL.canParse(text)) return false
  const { protocol, pathname, searchParams } = new URL(text)
  if (protocol === 'unix:') return pathname.length > 1
  if (protocol !== 'redis:' && protocol !== 'rediss:') return false
  // The driver would ask for database NaN, and go on with 0.
  return /^\/?\d{0,6}$/.test(pathname) && /^\d{0,6}$/.test(searchParams.get('db') ?? '')
}

/** Whether a Redis URL names a database. */
export function namesDatabase(url: string): boolean {
  const { protocol, pathname, searchParams } = new URL(url)
  return protocol !== 'unix:' && (pathname.length > 1 || searchParams.has('db'))
}

/** One of several servers that a client starts from. */
export interface RedisNode {
  readonly host: string
  readonly port: number
  /** It was named by a `rediss:` URL. */
  readonly tls: boolean
}

/**
 * Reads `host`, `host:port`, `[::1]:7000`, `redis://host:port` or `rediss://host:port`; `undefined`
 * for anything else: a user, a password or a database has no place in the address of one of several.
 */
export function parseNode(text: unknown, defaultPort: number): RedisNode | undefined {
  if (typeof text !== 'string' || text === '') return undefined
  const url = text.includes('://') ? text : `redis://${text}`
  if (!URL.canParse(url)) return undefined
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') return undefined
  if (hostname === '' || username || password || search || pathname.length > 1) return undefined
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultPort : Number(port),
    tls: protocol === 'rediss:',
  }
}

/** The password in what was meant to be a URL, as it stands there and as it is sent. */
export function passwordIn(url: string): readonly string[] {
  const [, user = ''] = /^[^/]*\/\/(.*)@/s.exec(url) ?? []
  const written = user.includes(':') ? user.slice(user.indexOf(':') + 1) : ''
  if (written === '') return []
  try {
    return [written, decodeURIComponent(written)]
  } catch {
    return [written]
  }
}
