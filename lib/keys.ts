import { createHash, hash } from 'node:crypto'
import { MemorywareError, StoreError } from './errors.ts'

/** What may name a user, a session or a partition: text, or a safe integer. */
export type Id = string | number

const longest = 128

/** An id that cannot name anything; whoever took it decides whose fault that is. */
export class IdError extends MemorywareError {
  constructor(what: string, problem: string) {
    super('ERR_ID', `${what} ${problem}`)
  }
}

/**
 * The form of an id inside a key: everything outside `[A-Za-z0-9_.@-]` percent-encoded, so that no
 * id can hold a separator, a brace, a glob character or the `~` that marks guests and partitions.
 *
 * @throws IdError when it is empty, longer than 128 bytes, holds a lone surrogate, or is no id at all.
 */
export function encodeId(what: string, id: unknown): string {
  if (typeof id === 'number') {
    if (Number.isSafeInteger(id)) return String(id)
    throw new IdError(what, 'must be a safe integer where it is a number')
  }
  if (typeof id !== 'string') throw new IdError(what, 'must be a string or a whole number')
  if (plain.test(id)) return id
  if (id === '') throw new IdError(what, 'must not be empty')
  // A surrogate pair is two units and four bytes, so more units than bytes allowed is always too long.
  if (id.length > longest || Buffer.byteLength(id) > longest)
    throw new IdError(what, `must be at most ${longest} bytes long`)
  if (!id.isWellFormed()) throw new IdError(what, 'must not hold a lone surrogate')
  return encodeURIComponent(id).replace(/[!~*'()]/g, percent)
}

/**
 * The form of an id inside a key of this package, as in `session:{id}:*`: for `keys()` and
 * `deletePattern()`. It holds no glob character, so it stands for itself in a pattern.
 *
 * @throws IdError when it is empty, longer than 128 bytes, holds a lone surrogate, or is no id at all.
 */
export function keyPart(id: Id): string {
  return encodeId('An id', id)
}

const plain = /^[A-Za-z0-9_.@-]{1,128}$/

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

/** Gives back the id that was encoded. @throws StoreError `corrupt` for what no id is encoded as. */
export function decodeId(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch (cause) {
    throw new StoreError('read', 'corrupt', { cause })
  }
}

/** The owner made of a guest's secret: `~` never starts an encoded id, so no user can be a guest. */
export function guestOwner(secret: string): string {
  return `~${hash('sha256', secret, 'base64url')}`
}

/** Where everything of one owner is kept. Braces put it on one slot. */
export interface OwnerKeys {
  /** ZSET of the owner's sessions by last activity: `session:{owner}`. */
  readonly index: string
  /** While it is there, nothing is written for the owner: `user:{owner}:gone`. */
  readonly gone: string
  /** HASH of what the owner prefers: `user:{owner}:preferences`. */
  readonly preferences: string
}

/** Where one conversation is kept. Braces put everything of one owner on one slot. */
export interface SessionKeys extends OwnerKeys {
  /** HASH of the session: `session:{owner}:id`. The messages stand beside it, under `:m`. */
  readonly session: string
  /** The encoded id, as the index holds it. */
  readonly id: string
  /** Digest of owner and id, kept inside the session: a reply that belongs to another is noticed. */
  readonly seal: string
}

/** Keys of one session; both parts are encoded already. */
export function sessionKeys(owner: string, id: string): SessionKeys {
  const keys = ownerKeys(owner)
  const session = `${keys.index}:${id}`
  const { index, gone, preferences } = keys
  return { index, gone, preferences, session, id, seal: sealOf(session) }
}

/** The seal of a session in this index, whatever prefix stands before that: neither holds braces. */
export function sealAt(index: string, id: string): string {
  const bare = index.slice(Math.max(0, index.lastIndexOf('session:{')))
  return sealOf(`${bare}:${id}`)
}

function sealOf(session: string): string {
  return digest([session]).slice(0, 12)
}

/** Keys of one owner, who is encoded already. */
export function ownerKeys(owner: string): OwnerKeys {
  const user = `user:{${owner}}`
  return { index: sessionIndex(owner), gone: `${user}:gone`, preferences: `${user}:preferences` }
}

/** Key of the LIST of a session's messages. */
export function listKey({ session }: Pick<SessionKeys, 'session'>): string {
  return `${session}:m`
}

/** Key of the HASH of a session's state. */
export function stateKey({ session }: Pick<SessionKeys, 'session'>): string {
  return `${session}:state`
}

/**
 * Key of the STREAM of a turn's pieces, and the channel on which those who watch it are told: without
 * the prefix that a client handed in may put before its keys.
 */
export function turnKey({ session }: Pick<SessionKeys, 'session'>, turn: string): string {
  return `${session}:t:${turn}`
}

/** Channel on which a process that answers hears which of its turns are to stop. */
export function turnChannel(runner: string): string {
  return `session:turns:${runner}`
}

/** Key of an owner's session index. */
export function sessionIndex(owner: string): string {
  return `session:{${owner}}`
}

/** Whom a limit counts: the kind is part of the key, so that an address never equals a user id. */
export type PartitionKind = 'user' | 'ip' | 'key' | 'global'

/** One partition, as it stands between the braces of a limit's key. */
export function partition(kind: PartitionKind, encoded: string): string {
  return kind === 'global' ? kind : `${kind}~${encoded}`
}

/**
 * Key of one budget. `shape` tells how it is counted (`w60000`: sliding, a minute), so that a rule
 * whose window changed starts anew instead of reading what it cannot understand.
 */
export function limitKey(of: string, rule: string, shape: string): string {
  return `limit:{${of}}:${rule}:${shape}`
}

/** Key of the blocks of one budget, however it is counted. */
export function blockKey(of: string, rule: string): string {
  return `limit:{${of}}:${rule}:block`
}

/** What a budget and its blocks are called together, by who keeps both under one key. */
export function budgetName(key: string): string {
  return /^limit:\{[^{}]*\}:[^:]+:[^:]+$/.test(key) ? key.slice(0, key.lastIndexOf(':')) : key
}

/** Key of one cached resource. */
export function cacheKey(fields: readonly (string | Uint8Array)[]): string {
  return `cache:{${digest(fields)}}`
}

/** Key of when what carries a mark was last purged; a mark of a prefix (`markAt()`) has it in front. */
export function purgeKey(mark: string): string {
  const end = mark.lastIndexOf(' ')
  return `${mark.slice(0, Math.max(end, 0)).replaceAll(' ', '')}cache:purged:{${mark.slice(end + 1)}}`
}

/** The mark of a store with a prefix. Neither prefixes nor marks hold spaces. */
export function markAt(prefix: string, mark: string): string {
  return `${prefix} ${mark}`
}

/** Key of who makes an answer: beside the resource, on its slot. */
export function fillKey(resource: string, variant: string): string {
  return `${resource}:fill:${variant}`
}

/**
 * Key of the STREAM of the pieces of an answer that is being made, and the channel on which those who
 * watch it are told: without the prefix that a client handed in may put before its keys.
 */
export function piecesKey(resource: string, token: string): string {
  return `${resource}:live:${token}`
}

/** Channel on which a process hears that others wait for an answer it makes. */
export function fillChannel(runner: string): string {
  return `cache:fills:${runner}`
}

/** Channel on which all processes hear which marks are purged. */
export const purgeChannel = 'cache:bus'

/** SHA-256 over length-prefixed fields: no two lists of fields read alike. */
export function digest(fields: readonly (string | Uint8Array)[]): string {
  const [first] = fields
  if (fields.length === 1 && typeof first === 'string')
    return hash('sha256', prefixed(first), 'base64url')
  // In one call where all is text, the digits between keep two halves of a surrogate pair apart.
  if (fields.every((field) => typeof field === 'string'))
    return hash('sha256', fields.map(prefixed).join(''), 'base64url')
  const hashing = createHash('sha256')
  for (const field of fields)
    if (typeof field === 'string') hashing.update(prefixed(field))
    else hashing.update(`${field.byteLength}:`).update(field)
  return hashing.digest('base64url')
}

function prefixed(field: string): string {
  return `${Buffer.byteLength(field)}:${field}`
}

/**
 * Checks a whole key, or the name of a channel, that a caller hands to the store.
 *
 * @throws IdError when it is no string, empty, longer than 1,024 bytes or not well-formed.
 */
export function checkKey(key: unknown, what = 'A key'): string {
  if (typeof key !== 'string') throw new IdError(what, 'must be a string')
  if (key === '' || key.length > 1024 || Buffer.byteLength(key) > 1024)
    throw new IdError(what, 'must be 1 to 1,024 bytes long')
  if (!key.isWellFormed()) throw new IdError(what, 'must not hold a lone surrogate')
  return key
}

/** Makes text stand for itself in a pattern for `keys()` and `deletePattern()`. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&')
}
