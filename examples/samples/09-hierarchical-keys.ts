import { escapePattern, keyPart, type Store } from 'memoryware'

/** What belongs to a user stands under the user; braces keep it on one node of a Cluster. */
export function keyOf(user: string, ...parts: string[]): string {
  return [`user:{${user}}`, ...parts].join(':')
}

/** Keys of a user below these parts. An id is put into a pattern through `escapePattern`. */
export async function keysOf(store: Store, user: string, ...parts: string[]): Promise<string[]> {
  return store.keys(`${escapePattern(keyOf(user, ...parts))}:*`)
}

/** Removes what a user has below these parts; gives the number of keys. */
export async function forget(store: Store, user: string, ...parts: string[]): Promise<number> {
  return store.deletePattern(`${escapePattern(keyOf(user, ...parts))}:*`)
}

/** Removes every conversation of a user: `sessionMemory()` keeps them under these keys. */
export async function forgetConversations(store: Store, user: string): Promise<void> {
  await store.deletePattern(`session:{${keyPart(user)}}:*`)
}
