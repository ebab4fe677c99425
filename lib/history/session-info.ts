import { StoreError } from '../errors.ts'
import { decodeId } from '../keys.ts'
import type { Listed, SessionMeta } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { isShape } from './formats/shape.ts'

/** A session without its messages. Times are milliseconds since 1970. */
export interface SessionInfo {
  /** Unique among the sessions of its user. */
  readonly id: string
  /** Of the first message, of the application, or of the user; `undefined` while there is none. */
  readonly title: string | undefined
  /** How many are kept. */
  readonly messages: number
  /** Of all kept messages. */
  readonly tokens: number
  /** When the session was made. */
  readonly createdAt: number
  /** When something last changed. */
  readonly updatedAt: number
  /** Grows with each change. */
  readonly rev: number
  /** It stays when the user has more sessions than `maxSessions`. */
  readonly pinned: boolean
  /** What the application keeps with the session. */
  readonly meta: Readonly<Record<string, unknown>> | undefined
  /** A turn is being answered, as far as this process's clock tells. */
  readonly running: boolean
}

/** What is told of a session. @throws StoreError `corrupt` for a title or meta that cannot be read. */
export function toInfo({ id, meta }: Listed, codec: Codec, now: number = Date.now()): SessionInfo {
  return {
    id: decodeId(id),
    title: titleOf(meta, codec),
    messages: meta.length,
    tokens: meta.tokens,
    createdAt: meta.createdAt,
    updatedAt: meta.updatedAt,
    rev: meta.rev,
    pinned: meta.pinned,
    meta: meta.meta && shapeIn(codec.decode('~meta', meta.meta)),
    running: meta.turns.some(({ state, until }) => state !== 'ended' && until > now),
  }
}

/** A session's title. @throws StoreError `corrupt` */
export function titleOf({ title }: SessionMeta, codec: Codec): string | undefined {
  return title && textIn(codec.decode('~title', title))
}

/** What is text wherever this package has written it. @throws StoreError `corrupt` */
export function textIn(value: unknown): string {
  if (typeof value === 'string') return value
  throw new StoreError('read', 'corrupt')
}

function shapeIn(value: unknown): Readonly<Record<string, unknown>> {
  if (isShape(value)) return value
  throw new StoreError('read', 'corrupt')
}
