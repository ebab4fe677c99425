import { createHash } from 'node:crypto'
import { koaSessionCookies, sessionCookie } from './session-cookie.ts'

/** A request, as it is sent over and over; what differs stands in `variants`, which take turns. */
export interface Requests {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string | undefined
  readonly variants: readonly Readonly<Record<string, string>>[]
  /** What they are answered. */
  readonly status: number
}

/** Requests of somebody without a cookie. */
export function anonymous(path: string, status = 200): Requests {
  return { method: 'GET', path, body: undefined, variants: [{}], status }
}

/** Requests of which no two are the same, to who tells them apart by a field. */
export function distinct(path: string, count: number): Requests {
  const variants = Array.from({ length: count }, (_, at) => ({ 'X-Distinct': `${at}` }))
  return { method: 'GET', path, body: undefined, variants, status: 200 }
}

/** Requests of visitors who have been here: so many sessions take turns. */
export function visitors(method: 'GET' | 'POST', path: string, sessions: number): Requests {
  const chat = method === 'POST'
  const body = chat
    ? JSON.stringify({ q: 'What is kept, and for how long? '.repeat(16) })
    : undefined
  const variants = Array.from({ length: sessions }, (_, at) => fields(`s${at}`, chat))
  return { method, path, body, variants, status: 200 }
}

/** Every stack is sent the same fields: the sessions of all of them are known by the same name. */
function fields(session: string, chat: boolean): Record<string, string> {
  const secret = createHash('sha256').update(session).digest('base64url').slice(0, 22)
  return {
    Cookie: `memoryware.guest=${secret}; ${sessionCookie(session)}; ${koaSessionCookies(session)}`,
    'X-Session-Id': session,
    ...(chat ? { 'Content-Type': 'application/json' } : {}),
  }
}
