import { randomUUID } from 'node:crypto'
import type { Store } from 'memoryware'

/** What is known of a visitor. */
export interface Session {
  readonly userId: string
  readonly cart: readonly string[]
}

/** Begins a session that lasts for half an hour, and gives its id. */
export async function begin(store: Store, session: Session): Promise<string> {
  const id = randomUUID()
  await store.set(`login:${id}`, session, { ttl: '30m' })
  return id
}

/** The session; `undefined` once it is over. */
export async function find(store: Store, id: string): Promise<Session | undefined> {
  return store.get<Session>(`login:${id}`)
}

/** Replaces the session, which lasts for half an hour from now. */
export async function save(store: Store, id: string, session: Session): Promise<void> {
  await store.set(`login:${id}`, session, { ttl: '30m' })
}

/** Ends the session; false where there was none. */
export async function end(store: Store, id: string): Promise<boolean> {
  return (await store.delete(`login:${id}`)) === 1
}
