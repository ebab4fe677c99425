import type { Call } from '../deadline.ts'

/** A cached response: what is decided from, and the body as its own bytes. */
export interface StoredEntry {
  /** Encoded by whoever wrote it. */
  readonly head: Uint8Array
  readonly body: Uint8Array
}

/** A cached response as a store gives it: copies, with which whoever asked may do as they like. */
export interface KeptEntry {
  readonly head: Buffer
  readonly body: Buffer
  /**
   * Stands for the bytes: while it is the same object they are the same, and need not be read again.
   * Absent where a store cannot tell.
   */
  readonly source?: object | undefined
}

/**
 * When what carries a mark was last purged, in microseconds on the store's own clock, the one that
 * `clock()` and `Fills.claim()` tell; 0 where it never was. `hard`: it must not be used any more.
 * `soft`: it counts as stale.
 */
export interface Purge {
  readonly hard: number
  readonly soft: number
}

/** What a resource's key holds. */
export interface FoundEntry {
  /** Request fields that choose between the variants, as learned from earlier responses. */
  readonly vary: readonly string[]
  /** The entry of the variant asked for. */
  readonly entry: KeptEntry | undefined
  /** Of each mark asked for, in their order. */
  readonly purges: readonly Purge[]
}

/** Finds an entry. */
export interface FindEntry {
  (key: string, variant: string, marks: readonly string[], call?: Call): Promise<FoundEntry>
  /**
   * The same without a promise, where the store is in this process. It stands on the function, so
   * that whoever puts another `find` in its place need not know of it.
   *
   * @throws StoreError
   */
  readonly now?: (key: string, variant: string, marks: readonly string[]) => FoundEntry
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
  /**
   * The fill it comes from: nothing is kept where somebody else holds that fill by now. Without it
   * the variant is always kept.
   */
  readonly fill?: { readonly variant: string; readonly token: string } | undefined
}

/**
 * Cached responses, several variants to a resource. Braces in a key fix the slot of all its variants.
 *
 * What is to be purged together carries a mark: a tag, an address, an owner. Purging a mark writes
 * when that was; whoever reads an entry compares that with when the entry's content began to be made.
 * So a purge takes as long for a million entries as for one, and catches what is being made. A mark is
 * text without spaces.
 */
export interface Entries {
  /** The learned `vary`, the entry of one variant, and the purges of the marks, in one round trip. */
  readonly find: FindEntry
  /**
   * Keeps a variant, and what the resource varies by, in one atomic step; false where its fill is
   * somebody else's by now.
   */
  keep(key: string, variant: NewVariant, call?: Call): Promise<boolean>
  /** Replaces the head of a variant that is there, with a new time to live; false where it is not. */
  amend(
    key: string,
    variant: string,
    head: Uint8Array,
    ttlMs: number,
    call?: Call,
  ): Promise<boolean>
  /** Forgets a resource with all its variants. */
  drop(key: string, call?: Call): Promise<void>
  /** Purges what carries one of the marks. A soft purge leaves an earlier hard one as it is. */
  purge(marks: readonly string[], soft: boolean, call?: Call): Promise<void>
  /** Of each mark, in their order. */
  purges(marks: readonly string[], call?: Call): Promise<readonly Purge[]>
  /**
   * Now, in microseconds on the store's own clock: what begins to be made from here on is younger
   * than every purge so far, and as old as or older than every purge to come. Where the servers of a
   * store differ in their clocks, it is told half a second early: what begins in the half second after
   * a purge counts as purged as well.
   */
  clock(call?: Call): Promise<number>
}
