import type { Entries, NewVariant } from '../../ports/entries.ts'
import type { Keyspace } from './keyspace.ts'
import { type Packed, pack, unpack } from './packed.ts'
import { type Share, sizeOf } from './shelf.ts'

interface Variant {
  readonly head: Packed
  readonly body: Packed
  readonly expiresAt: number
}

interface ResourceCell {
  readonly kind: 'resource'
  readonly bytes: number
  readonly vary: readonly string[]
  readonly variants: ReadonlyMap<string, Variant>
}

// The maps and objects of a resource, and of each variant, on Node 20.
const resourceBytes = 300
const variantBytes = 150

/**
 * Cached responses in this process. A resource with all its variants is one cell; where they take
 * more than the cell may, those that end first go, as they do above `maxVariants`.
 */
export function embeddedEntries(keyspace: Keyspace, share: Share): Entries {
  const { now } = keyspace
  const shelf = keyspace.shelf<ResourceCell>(share)
  return {
    async find(key, variant) {
      const cell = shelf.get('find', key, 'resource')?.cell
      const found = cell?.variants.get(variant)
      const live = found !== undefined && found.expiresAt > now()
      return {
        vary: [...(cell?.vary ?? [])],
        entry: live ? { head: unpack(found.head), body: unpack(found.body) } : undefined,
      }
    },
    async keep(key, added) {
      const old = shelf.get('keep', key, 'resource')?.cell.variants ?? new Map()
      const variants = merged(old, added, now())
      while (
        variants.size > 1 &&
        (variants.size > added.maxVariants || !shelf.fits(sizeOf(key, sizeOfAll(variants))))
      )
        dropFirstToEnd(variants, added.variant)
      const cell: ResourceCell = {
        kind: 'resource',
        bytes: sizeOfAll(variants),
        vary: [...added.vary],
        variants,
      }
      const ends = [...variants.values()].map(({ expiresAt }) => expiresAt)
      shelf.put('keep', key, cell, Math.max(...ends))
    },
    async drop(key) {
      if (shelf.get('drop', key, 'resource')) shelf.delete(key)
    },
  }
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
