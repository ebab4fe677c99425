import { fillKey } from '../../keys.ts'
import type { Entries, FindEntry, FoundEntry, KeptEntry, NewVariant } from '../../ports/entries.ts'
import type { EntriesShelf, ResourceCell, Variant } from './entries-shelf.ts'
import { pack, unpack } from './packed.ts'
import type { Purges } from './purges.ts'
import { sizeOf } from './shelf.ts'

// The maps and objects of a resource, and of each variant, on Node 20.
const resourceBytes = 300
const variantBytes = 150

/**
 * Cached responses in this process. A resource with all its variants is one cell; where they take
 * more than the cell may, those that end first go, as they do above `maxVariants`.
 */
export function embeddedEntries(shelf: EntriesShelf, purges: Purges): Entries {
  const { now } = shelf

  function put(
    operation: string,
    key: string,
    vary: readonly string[],
    variants: ReadonlyMap<string, Variant>,
  ): void {
    const bytes = sizeOfAll(variants)
    const cell: ResourceCell = { kind: 'resource', bytes, vary: [...vary], variants }
    const ends = [...variants.values()].map(({ expiresAt }) => expiresAt)
    shelf.put(operation, key, cell, Math.max(...ends))
  }

  function findNow(key: string, variant: string, marks: readonly string[]): FoundEntry {
    const cell = shelf.get('find', key, 'resource')?.cell
    const found = cell?.variants.get(variant)
    const live = found !== undefined && found.expiresAt > now()
    return {
      vary: cell?.vary ?? noNames,
      entry: live ? new Kept(found) : undefined,
      purges: marks.map(purges.of),
    }
  }

  const find: FindEntry = async (key, variant, marks) => {
    const { vary, entry, purges } = findNow(key, variant, marks)
    return { vary: [...vary], entry: entry && { head: entry.head, body: entry.body }, purges }
  }

  return {
    find: Object.assign(find, { now: findNow }),
    async keep(key, added) {
      if (added.fill && takenBy(shelf, key, added.fill)) return false
      const old = shelf.get('keep', key, 'resource')?.cell.variants ?? new Map()
      const variants = merged(old, added, now())
      while (
        variants.size > 1 &&
        (variants.size > added.maxVariants || !shelf.fits(sizeOf(key, sizeOfAll(variants))))
      )
        dropFirstToEnd(variants, added.variant)
      put('keep', key, added.vary, variants)
      return true
    },
    async amend(key, variant, head, ttlMs) {
      const cell = shelf.get('amend', key, 'resource')?.cell
      const old = cell?.variants.get(variant)
      if (cell === undefined || old === undefined || old.expiresAt <= now()) return false
      const amended = { ...old, head: pack(head), expiresAt: now() + ttlMs }
      put('amend', key, cell.vary, new Map(cell.variants).set(variant, amended))
      return true
    },
    async drop(key) {
      if (shelf.get('drop', key, 'resource')) shelf.delete(key)
    },
    async purge(marks, soft) {
      for (const mark of marks) purges.purge(mark, soft)
    },
    purges: async (marks) => marks.map(purges.of),
    clock: async () => purges.clock(),
  }
}

const noNames: readonly string[] = []

/** A variant as it is handed out. Whoever knows its source needs no copy of its bytes. */
class Kept implements KeptEntry {
  /** A variant that changes is another one from then on. */
  readonly source: Variant

  constructor(variant: Variant) {
    this.source = variant
  }

  get head(): Buffer {
    return unpack(this.source.head)
  }

  get body(): Buffer {
    return unpack(this.source.body)
  }
}

/** Whether somebody else makes that answer by now. */
function takenBy(
  shelf: EntriesShelf,
  key: string,
  { variant, token }: { readonly variant: string; readonly token: string },
): boolean {
  const held = shelf.fill('keep', fillKey(key, variant))
  return held !== undefined && held.cell.how === undefined && held.cell.token !== token
}

/** A resource either varies or does not: the variant without a name stands alone. */
function merged(
  old: ReadonlyMap<string, Variant>,
  { variant, entry, ttlMs }: NewVariant,
  now: number,
): Map<string, Variant> {
  const stays = ([name, { expiresAt }]: [string, Variant]) =>
    variant !== '' && name !== '' && expiresAt > now
  const variants = new Map([...old].filter(stays))
  return variants.set(variant, {
    head: pack(entry.head),
    body: pack(entry.body),
    expiresAt: now + ttlMs,
  })
}

function dropFirstToEnd(variants: Map<string, Variant>, except: string): void {
  let first: string | undefined
  let endsAt = Number.POSITIVE_INFINITY
  for (const [name, { expiresAt }] of variants) {
    if (name === except || expiresAt >= endsAt) continue
    first = name
    endsAt = expiresAt
  }
  if (first !== undefined) variants.delete(first)
}

function sizeOfAll(variants: ReadonlyMap<string, Variant>): number {
  let bytes = resourceBytes
  for (const [name, { head, body }] of variants)
    bytes += variantBytes + 2 * name.length + head.length + body.length
  return bytes
}
