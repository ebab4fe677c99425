import { createHmac } from 'node:crypto'

/** What signs the cookies of express-session and koa-session. */
export const sessionSecret = 'of the benchmark'

/** The cookie by which express-session knows a session, as it signs it itself. */
export function sessionCookie(id: string): string {
  const signature = createHmac('sha256', sessionSecret).update(id).digest('base64')
  return `connect.sid=${encodeURIComponent(`s:${id}.${signature.replace(/=+$/, '')}`)}`
}

/** The cookies by which koa-session knows a session, as Koa signs them. */
export function koaSessionCookies(id: string): string {
  const pair = `koa.sess=${id}`
  const signature = createHmac('sha1', sessionSecret).update(pair).digest('base64url')
  return `${pair}; koa.sess.sig=${signature}`
}
