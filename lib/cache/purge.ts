import { UsageError } from '../errors.ts'
import { purgeChannel } from '../keys.ts'
import { publish } from '../telemetry.ts'
import { purgesOf } from './purges.ts'
import type { CacheStore } from './shelf.ts'

/** What purging needs of a store. */
export type PurgeStore = Pick<CacheStore, 'entries' | 'publish'>

/**
 * Purges what carries one of the marks, here at once, and in all processes as soon as they hear of it.
 * `soft` leaves it to be used as stale.
 *
 * @throws StoreError where the store is away: then only this process has forgotten what it had at hand.
 */
export async function purge(
  store: PurgeStore,
  marks: readonly string[],
  soft: boolean,
): Promise<void> {
  if (marks.length === 0) return
  await purgeStored(store, marks, soft)
  await tellOthers(store, marks)
}

/**
 * Purges here at once and in the store, and lets no other process know.
 *
 * @throws StoreError where the store is away.
 */
export async function purgeStored(
  store: PurgeStore,
  marks: readonly string[],
  soft: boolean,
): Promise<void> {
  const purges = purgesOf(store)
  purges.tell(marks)
  try {
    await store.entries.purge(marks, soft)
  } finally {
    // What was read, or began to be made, before the store knew of the purge is as old.
    purges.tell(marks)
  }
}

/**
 * Forgets a resource, here and in all processes. What another process is making of it is kept all the
 * same, unless it hears of this first.
 *
 * @throws StoreError where the store is away.
 */
export async function dropResource(store: PurgeStore, resource: string): Promise<void> {
  const purges = purgesOf(store)
  purges.tell([resource])
  try {
    await store.entries.drop(resource)
  } finally {
    purges.tell([resource])
  }
  await tellOthers(store, [resource])
}

/**
 * Lets all processes forget what they have at hand of this. Never rejects: the store knows, and nobody
 * has anything at hand for long.
 */
export async function tellOthers(store: PurgeStore, marks: readonly string[]): Promise<void> {
  try {
    await store.publish(purgeChannel, marks)
  } catch (error) {
    // On a store without messages nobody has anything at hand.
    if (!(error instanceof UsageError)) publish('error', () => ({ during: 'cache purge', error }))
  }
}
