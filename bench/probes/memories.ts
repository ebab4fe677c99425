import { Deadline } from '../../lib/deadline.ts'
import { codecOf } from '../../lib/history/codec.ts'
import { openMemory } from '../../lib/history/open-memory.ts'
import { createStore, embeddedProvider, type Memory, type Store } from '../../lib/index.ts'
import { checkMemoryOptions, type SessionMemoryOptions } from '../../middleware/memory-options.ts'

/** Opens conversations as `sessionMemory()` does, without a request. */
export function memoriesOf(
  options: SessionMemoryOptions<unknown>,
): (user: string, id: string) => Memory {
  const { rules } = checkMemoryOptions('sessionMemory', options)
  return (user, id) => {
    const scope = {
      owner: user,
      user,
      codec: codecOf(rules.serializer, user),
      guest: undefined,
      // A machine that does other work besides is no reason to go on without the store.
      deadline: new Deadline(30_000),
      encodeSession: String,
      degraded: false,
      endGuest() {},
    }
    return openMemory(rules, scope, id)
  }
}

/** The store at a URL; without one, one in this process with room for what is measured. */
export function storeAt(url: string | undefined): Store {
  // A machine that does other work besides is no reason to go on without the store.
  if (url !== undefined) return createStore({ url, deadline: '1s' })
  return createStore({ provider: embeddedProvider({ maxBytes: 4 * 1024 ** 3 }) })
}

/** Messages of 500 characters, questions and replies in turn; each gets a random UUID. */
export function said(count: number): { role: 'user' | 'assistant'; content: string }[] {
  return Array.from({ length: count }, (_, at) => ({
    role: at % 2 === 0 ? 'user' : 'assistant',
    content: `Message ${at} of this conversation. `.repeat(20).slice(0, 500),
  }))
}
