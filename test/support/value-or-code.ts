import type { Store } from '../../lib/index.ts'

/** What a store gives under a key as text, or the code of its error: whichever comes is its caller's own. */
export async function valueOrCode(store: Pick<Store, 'get'>, key: string): Promise<string> {
  try {
    return String(await store.get(key))
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}
