import { type EncryptionKey, encrypted, type Store } from 'memoryware'
import { type NodeMiddleware, sessionMemory } from 'memoryware/express'

/**
 * Keys as a secret holds them, newest first: `2026-02:<base64>,2026-01:<base64>`. The first encrypts,
 * all decrypt. `openssl rand -base64 32` makes one.
 */
export function keysFrom(secret: string): EncryptionKey[] {
  return secret.split(',').map((entry) => {
    const [id = '', key = ''] = entry.trim().split(':')
    return { id, key }
  })
}

/** A memory whose messages, titles, meta, state, preferences and answers under way are encrypted. */
export function encryptedMemory(store: Store, keys: readonly EncryptionKey[]): NodeMiddleware {
  return sessionMemory({ store, serializer: encrypted(keys) })
}
