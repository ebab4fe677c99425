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
