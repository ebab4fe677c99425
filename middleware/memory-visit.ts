import { RequestError } from '../lib/errors.ts'
import type { Memory } from '../lib/history/memory.ts'
import { notFound } from '../lib/history/refusal.ts'
import type { SessionInfo } from '../lib/history/session-info.ts'
import type { ReplyTarget } from './exchange.ts'

/** One request to a route. */
export interface Visit {
  /** The session that the path names; of routes that name none, any of this user. */
  readonly memory: Memory
  readonly query: URLSearchParams
  /** The client wants the fields of the answer, and no body. */
  readonly head: boolean
  /** Path of the mount, as the client sees it. */
  readonly base: string
  readonly lastEventId: string | undefined
  body(): Promise<Record<string, unknown>>
  /** Where an answer goes that is written piece by piece. */
  readonly target: ReplyTarget
}

/** A session that is there. @throws RequestError 404 */
export async function existing({ memory }: Visit): Promise<SessionInfo> {
  const info = await memory.info()
  if (info === undefined) throw notFound()
  return info
}

/** A body with these members and no other. @throws RequestError 400 */
export async function onlyMembers(
  { body }: Visit,
  names: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const members = await body()
  const other = Object.keys(members).find((name) => !names.includes(name))
  if (other === undefined) return members
  throw new RequestError(400, `The body may hold ${names.join(', ')}: nothing else`)
}

/** A number of the query. @throws RequestError 400 */
export function numberOf({ query }: Visit, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new RequestError(400, `${name} must be a whole number`)
}
