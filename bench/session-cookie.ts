import { createHmac } from 'node:crypto'

/** What signs the cookies of express-session. */
export const sessionSecret = 'of the benchmark'

/** The cookie by which express-session knows a session, as it signs it itself. */
export function sessionCookie(id: string): string {
  const signature = createHmac('sha256', sessionSecret).update(id).digest('base64')
  return `connect.sid=${encodeURIComponent(`s:${id}.${signature.replace(/=+$/, '')}`)}`
}
