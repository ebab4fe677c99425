import { encodeId, type OwnerKeys, type SessionKeys, sessionKeys } from '../lib/keys.ts'
import type {
  AppendBounds,
  ChangeBounds,
  NewEntry,
  ReadRange,
  RoleLetter,
  SessionMeta,
} from '../lib/ports/history.ts'
import { within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Opened } from './suite.ts'

/** The time to live of what a fact leaves behind. */
export const minuteMs = 60_000

/** Keys of a session nobody else uses; with an owner, one of that owner's. */
export function session(owner: string = fresh('owner'), id: string = fresh('id')): SessionKeys {
  return sessionKeys(encodeId('owner', owner), encodeId('id', id))
}

/** A message of a user; its text names it. */
export function message(id: string, role: RoleLetter = 'u', text = `text of ${id}`): NewEntry {
  return { id: encodeId('message', id), role, tokens: 10, payload: Buffer.from(text) }
}

/** A message a letter: `uatta` is a turn with two results of tools. Ids are `from` and upwards. */
export function messages(roles: string, from = 1): NewEntry[] {
  return [...roles].map((role, at) => message(`m${from + at}`, role as RoleLetter))
}

/** An append for a minute that trims nothing, but for what is said otherwise. */
export function bounds(other: Partial<AppendBounds> = {}): AppendBounds {
  return { ttlMs: minuteMs, max: 200, keep: 150, ifRev: undefined, title: undefined, ...other }
}

/** A change for a minute at any revision, but for what is said otherwise. */
export function changing(other: Partial<ChangeBounds> = {}): ChangeBounds {
  return { ttlMs: minuteMs, ifRev: undefined, ...other }
}

/** Reads all, and leaves the time to live. */
export const everything: ReadRange = { limit: 10_000, before: undefined, ttlMs: undefined }

/** Appends so many messages in pieces: all in one call may take longer than a call may. */
export async function appendMany(
  open: Opened,
  keys: SessionKeys,
  all: readonly NewEntry[],
): Promise<void> {
  for (let at = 0; at < all.length; at += 2000)
    await open().history.append(keys, all.slice(at, at + 2000), bounds({ max: all.length }))
}

/** The roles that are kept, in order, and their positions. */
export async function kept(open: Opened, keys: SessionKeys): Promise<[string, number[]]> {
  const { entries } = await open().history.read(keys, everything)
  return [entries.map(({ role }) => role).join(''), entries.map(({ seq }) => seq)]
}

/** What is known of a session. */
export async function metaOf(open: Opened, keys: SessionKeys): Promise<SessionMeta | undefined> {
  return (await open().history.read(keys, everything)).meta
}

/** The ids of an owner's sessions, last active first. */
export async function listed(open: Opened, { index }: OwnerKeys): Promise<string[]> {
  return (await open().history.list(index, { limit: 1000, after: undefined })).map(({ id }) => id)
}

/** Asserts that the time that session and index are kept for has just begun. */
export async function keptFor(open: Opened, keys: SessionKeys, ttlMs: number): Promise<void> {
  for (const key of [keys.session, keys.index]) within(await open().ttl(key), ttlMs)
}
