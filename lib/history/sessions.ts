import { RequestError } from '../errors.ts'
import { decodeId, sessionIndex, sessionKeys } from '../keys.ts'
import type { Listed } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { sessionLog } from './session-log.ts'

/** A run of items, and where to go on. */
export interface Page<Item, Cursor = number> {
  readonly items: readonly Item[]
  /** Hand it in as `before` for the next page; `undefined` at the end. */
  readonly next: Cursor | undefined
}

/** A session in a list. Times are milliseconds since 1970. */
export interface SessionInfo {
  readonly id: string
  readonly title: string | undefined
  readonly messages: number
  readonly tokens: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly rev: number
}

/** A user's sessions. */
export interface Sessions {
  /** Last active first. @default limit 20 */
  list(options?: { limit?: number; before?: string }): Promise<Page<SessionInfo, string>>
  /** False when there is no such session of this user. */
  delete(id: string): Promise<boolean>
}

const longestPage = 1000

/** The sessions of a request's user. */
export function sessionsOf(rules: MemoryRules, scope: MemoryScope): Sessions {
  const { history } = rules
  const call = { deadline: scope.deadline }
  return {
    async list({ limit = 20, before } = {}) {
      const count = bounded('limit', limit)
      const page = { limit: count, after: before === undefined ? undefined : cursor(before) }
      const listed = await history.list(sessionIndex(scope.owner), page, call)
      const last = listed.at(-1)
      const full = listed.length === count && last !== undefined
      return {
        items: listed.map((each) => toInfo(each, scope.codec)),
        next: full ? `${last.meta.updatedAt}:${last.id}` : undefined,
      }
    },
    delete: async (id) =>
      sessionLog(rules, scope, sessionKeys(scope.owner, scope.encodeSession(id))).remove(),
  }
}

function toInfo({ id, meta }: Listed, codec: Codec): SessionInfo {
  return {
    id: decodeId(id),
    title: meta.title && String(codec.decode('~title', meta.title)),
    messages: meta.length,
    tokens: meta.tokens,
    createdAt: meta.createdAt,
    updatedAt: meta.updatedAt,
    rev: meta.rev,
  }
}

/** A number of items, as a client may have asked for. @throws RequestError 400 */
export function bounded(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return Math.min(value, longestPage)
  throw new RequestError(400, `${option} must be a whole number above 0`)
}

function cursor(before: string): { at: number; id: string } {
  const [, at, id] = /^(\d{1,15}):([\w.@%~-]{1,400})$/.exec(before) ?? []
  if (at === undefined || id === undefined)
    throw new RequestError(400, 'before must be what `next` of a page was')
  return { at: Number(at), id }
}
