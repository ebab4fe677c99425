import { randomBytes } from 'node:crypto'
import { MemorywareError, RequestError, UsageError } from '../lib/errors.ts'
import { encodeId, guestOwner, type Id, IdError } from '../lib/keys.ts'
import type { Exchange } from './exchange.ts'
import { type Identity, requestState } from './request-state.ts'

/** A value now or later. */
export type Awaitable<T> = T | Promise<T>

/** Names the signed-in user; `undefined` for a guest. */
export type UserOf<Native> = (native: Native) => Awaitable<Id | null | undefined>

/** The cookie that holds a guest's secret. */
export const guestCookie = 'memoryware.guest'

const secretShape = /^[A-Za-z0-9_-]{22}$/
// The longest life browsers grant a cookie.
const cookieSeconds = 400 * 86_400

/** Resolves who this is, once a request: the first middleware's `user` holds for all. */
export function identify<Native>(
  exchange: Exchange<Native>,
  user: UserOf<Native> | undefined,
): Promise<Identity> {
  const state = requestState(exchange.req)
  state.identity ??= resolve(exchange, user)
  return state.identity
}

async function resolve<Native>(
  exchange: Exchange<Native>,
  user: UserOf<Native> | undefined,
): Promise<Identity> {
  const id = user ? await user(exchange.native) : exchange.userId
  if (id !== undefined && id !== null) return { user: encodeUser(id), guest: undefined }
  const secret = readCookie(exchange.req.headers.cookie)
  return { user: undefined, guest: secret === undefined ? undefined : guestOwner(secret) }
}

function encodeUser(id: unknown): string {
  try {
    return encodeId('The user id', id)
  } catch (error) {
    if (error instanceof IdError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

/**
 * The owner of this request's memory. A guest without a cookie is given one.
 *
 * @throws MemorywareError `ERR_HEADERS_SENT` when the cookie comes too late.
 */
export function ownerOf<Native>(exchange: Exchange<Native>, identity: Identity): string {
  const known = identity.user ?? identity.guest
  if (known !== undefined) return known
  const state = requestState(exchange.req)
  state.newGuest ??= welcome(exchange)
  return guestOwner(state.newGuest)
}

function welcome<Native>({ res, protocol }: Exchange<Native>): string {
  if (res.headersSent)
    throw new MemorywareError(
      'ERR_HEADERS_SENT',
      'The first use of `memory` by a new guest sets a cookie: use it before the response begins',
    )
  const secret = randomBytes(16).toString('base64url')
  const secure = protocol === 'https' ? '; Secure' : ''
  res.appendHeader(
    'Set-Cookie',
    `${guestCookie}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${cookieSeconds}${secure}`,
  )
  return secret
}

function readCookie(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.split('=', 2)
    if (name?.trim() === guestCookie && value !== undefined && secretShape.test(value.trim()))
      return value.trim()
  }
  return undefined
}

/** Encodes an id that the client chose. @throws RequestError 400 when it cannot name anything. */
export function encodeClientId(what: string, id: unknown): string {
  try {
    return encodeId(what, id)
  } catch (error) {
    if (error instanceof IdError) throw new RequestError(400, error.message, { cause: error })
    throw error
  }
}
