import { type Awaitable, withValue } from '../lib/awaitable.ts'
import type { Credential } from '../lib/cache/storable.ts'
import { encodeId } from '../lib/keys.ts'
import type { CacheSettings } from './cache-options.ts'
import type { BypassReason } from './cache-record.ts'
import type { Scope } from './cacheable-request.ts'
import type { Exchange } from './exchange.ts'
import { identify, signedIn } from './identity.ts'
import { namedByApplication } from './named-by-application.ts'
import type { Identity } from './request-state.ts'

const publicScope: Scope = {
  scoping: 'public',
  tag: 'public',
  holder: 'application',
  credential: undefined,
}
const noScope: Scope = { scoping: 'none', tag: '-', holder: 'nobody', credential: undefined }

/** Whose answers these are; a reason to bypass the cache where nobody is known who they could be. */
export function scopeOf<Native>(
  exchange: Exchange<Native>,
  settings: CacheSettings<Native>,
  credential: Credential | undefined,
): Awaitable<Scope | BypassReason> {
  const { scope, user } = settings
  if (scope === 'public') return withCredential(publicScope, credential)
  if (scope === undefined) {
    const found = credential ?? userCredential(exchange, user)
    if (!(found instanceof Promise)) return withCredential(noScope, found)
    return found.then((later) => withCredential(noScope, later))
  }
  if (scope === 'user')
    return withValue(identify(exchange, user), (who) => userScope(exchange, who, credential))
  return withValue(scope(exchange.native), (id) => {
    if (id === null || id === undefined || id === '') return 'scope'
    const tag = `id:${namedByApplication(() => encodeId('The scope of a cached response', id))}`
    return { scoping: 'id', tag, credential, holder: 'application' }
  })
}

function withCredential(scope: Scope, credential: Credential | undefined): Scope {
  return credential === undefined ? scope : { ...scope, credential }
}

/** Whether somebody is known without a credential. */
function userCredential<Native>(
  exchange: Exchange<Native>,
  user: CacheSettings<Native>['user'],
): Awaitable<'user' | undefined> {
  if (isNamed(exchange.userId)) return 'user'
  return withValue(signedIn(exchange, user), (id) => (id === undefined ? undefined : 'user'))
}

/** A guest with a credential is somebody whom a later middleware may sign in. */
function userScope<Native>(
  { userId }: Exchange<Native>,
  { user, guest }: Identity,
  credential: Credential | undefined,
): Scope | BypassReason {
  if (user !== undefined) return { scoping: 'id', tag: `user:${user}`, credential, holder: 'user' }
  if (credential !== undefined) return credential
  if (isNamed(userId)) return 'user'
  if (guest === undefined) return 'scope'
  return { scoping: 'id', tag: `user:${guest}`, credential, holder: 'nobody' }
}

/** Whether the framework names a user. */
export function isNamed(userId: unknown): boolean {
  return userId !== undefined && userId !== null
}
