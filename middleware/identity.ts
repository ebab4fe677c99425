import { randomBytes } from 'node:crypto'
import { type Awaitable, withValue } from '../lib/awaitable.ts'
import { MemorywareError, RequestError, UsageError } from '../lib/errors.ts'
import { encodeId, guestOwner, type Id, IdError } from '../lib/keys.ts'
import type { Exchange } from './exchange.ts'
import { setLastingCookie } from './lasting-cookie.ts'
import { type Identity, requestState, stateSoFar } from './request-state.ts'

/** Names the signed-in user; `undefined` for a guest. */
export type UserOf<Native> = (native: Native) => Awaitable<Id | null | undefined>

/** The cookie that holds a guest's secret. */
export const guestCookie = 'memoryware.guest'

const secretShape = /^[A-Za-z0-9_-]{22}$/
// The longest life browsers grant a cookie.
const cookieSeconds = 400 * 86_400

/**
 * Resolves who this is. A middleware's own `user` is asked once a request; the first that names
 * somebody holds for the middlewares without one. That nobody is signed in is never remembered:
 * authentication may stand further in.
 */
export function identify<Native>(
  exchange: Exchange<Native>,
  user: UserOf<Native> | undefined,
): Awaitable<Identity> {
  return withValue(signedIn(exchange, user), (id) => {
    if (id !== undefined) return { user: id, guest: undefined }
    const secret = readCookie(exchange.req.headers.cookie)
    return secret === undefined ? nobody : new Guest(secret)
  })
}

const nobody: Identity = { user: undefined, guest: undefined }

/** Many requests of a guest need no owner: one is digested for those that do. */
class Guest implements Identity {
  readonly user = undefined
  readonly #secret: string
  #owner: string | undefined

  constructor(secret: string) {
    this.#secret = secret
  }

  get guest(): string {
    this.#owner ??= guestOwner(this.#secret)
    return this.#owner
  }
}

/** The encoded id of the signed-in user, without a look at the guest's cookie. */
export function signedIn<Native>(
  exchange: Exchange<Native>,
  user: UserOf<Native> | undefined,
): Awaitable<string | undefined> {
  return user ? own(exchange, user) : inherited(exchange)
}

/** Who this is now that a handler runs, where nobody was signed in when the middleware ran. */
export function identifyLate<Native>(
  exchange: Exchange<Native>,
  user: UserOf<Native> | undefined,
  early: Identity,
): Identity {
  if (early.user !== undefined) return early
  const id = user ? user(exchange.native) : inherited(exchange)
  // An asynchronous answer comes too late: mount the middleware after authentication.
  if (id === undefined || id === null || id instanceof Promise) return early
  return { user: user ? encodeUser(id) : String(id), guest: undefined }
}

function own<Native>(
  { req, native }: Exchange<Native>,
  user: UserOf<Native>,
): Awaitable<string | undefined> {
  const state = requestState(req)
  const key = user as (native: never) => unknown
  const known = state.users.get(key)
  if (known !== undefined) return known
  return withValue(user(native), (id) => {
    if (id === undefined || id === null) return undefined
    const encoded = encodeUser(id)
    state.users.set(key, encoded)
    return encoded
  })
}

function inherited<Native>({ req, userId }: Exchange<Native>): string | undefined {
  const first = stateSoFar(req)?.firstUser
  if (first !== undefined) return first
  return userId === undefined || userId === null ? undefined : encodeUser(userId)
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
  setLastingCookie(res, guestCookieLine(secret, cookieSeconds, protocol))
  return secret
}

/** The owner that the request's guest cookie stands for, whoever is signed in. */
export function guestOf<Native>({ req }: Exchange<Native>): string | undefined {
  const secret = readCookie(req.headers.cookie)
  return secret === undefined ? undefined : guestOwner(secret)
}

/** Takes the guest's cookie back; nothing once the response has begun. */
export function endGuest<Native>({ res, protocol }: Exchange<Native>): void {
  if (res.headersSent) return
  setLastingCookie(res, guestCookieLine('', 0, protocol))
}

function guestCookieLine(secret: string, maxAge: number, protocol: string): string {
  const secure = protocol === 'https' ? '; Secure' : ''
  return `${guestCookie}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${secure}`
}

function readCookie(header = ''): string | undefined {
  // Without a list of all pairs: many cookies may come with every request.
  for (let from = 0, end = 0; from < header.length; from = end + 1) {
    end = header.indexOf(';', from)
    if (end < 0) end = header.length
    const equals = header.indexOf('=', from)
    if (equals < 0 || equals > end || header.slice(from, equals).trim() !== guestCookie) continue
    const value = header.slice(equals + 1, end).trim()
    if (secretShape.test(value)) return value
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
