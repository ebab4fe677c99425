import type { Call } from '../deadline.ts'

/** A cached response: what is decided from, and the body as its own bytes. */
export interface StoredEntry {
  /** Encoded by whoever wrote it. */
  readonly head: Uint8Array
  readonly body: Uint8Array
}

/** What a resource's key holds. */
export interface FoundEntry {
  /** Request fields that choose between the variants, as learned from earlier responses. */
  readonly vary: readonly string[]
  /** The entry of the variant asked for. */
  readonly entry: { readonly head: Buffer; readonly body: Buffer } | undefined
}

/** A variant to write. */
export interface NewVariant {
  readonly vary: readonly string[]
  /** Names the variant; `''` where nothing varies. */
  readonly variant: string
  readonly entry: StoredEntry
  readonly ttlMs: number
  /** Above this many variants the one that ends first goes. */
  readonly maxVariants: number
}

/** Cached responses, several variants to a resource. Braces in a key fix the slot of all its variants. */
export interface Entries {
  /** The learned `vary` and the entry of one variant, in one round trip. */
  find(key: string, variant: string, call?: Call): Promise<FoundEntry>
  /** Keeps a variant, and what the resource varies by, in one atomic step. */
  keep(key: string, variant: NewVariant, call?: Call): Promise<void>
  /** Forgets a resource with all its variants. */
  drop(key: string, call?: Call): Promise<void>
}
