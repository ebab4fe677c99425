import { createStore, json, type Store, type StoreOptions } from 'memoryware'
import { msgpack } from 'memoryware/msgpack'

/** An event with a date and bytes in it. */
export interface Upload {
  readonly at: Date
  readonly digest: Uint8Array
  readonly tags: readonly string[]
}

/** The default: text that everything can read; a date comes back as text. */
export function jsonStore(where: StoreOptions): Store {
  return createStore({ ...where, serializer: json })
}

/** Smaller, and dates and bytes come back as what they were. Needs the package msgpackr. */
export function msgpackStore(where: StoreOptions): Store {
  return createStore({ ...where, serializer: msgpack })
}

/** Keeps an event and reads it again. */
export async function roundTrip(store: Store, upload: Upload): Promise<unknown> {
  await store.set('upload', upload, { ttl: '1h' })
  return store.get('upload')
}
