import { decodeId, digest, encodeId, ownerKeys, sessionKeys } from '../keys.ts'
import type { FieldKeys } from '../ports/fields.ts'
import type { Parties } from './claim.ts'
import { contended, forgotten } from './refusal.ts'
import type { MemoryRules } from './scope.ts'

const longestId = 128

/**
 * The encoded id under which a guest's session is the user's: its own, or `<id>-<digest>` where the
 * user has a session of that id. It is decided once and noted with the guest, since a claim that
 * stopped halfway has made the session itself.
 */
export async function claimPlan(
  { history, fields, ttlMs }: MemoryRules,
  { guest, owner }: Parties,
  id: string,
): Promise<string> {
  const { preferences, gone } = ownerKeys(guest)
  const keys: FieldKeys = { fields: preferences, gone, session: undefined }
  // `~` begins no name of the guest's own.
  const note = `~claim:${digest([owner, id]).slice(0, 22)}`
  const noted = (await fields.read(keys, [note], undefined)).get(note)
  if (noted !== undefined) return noted.toString('latin1')
  const taken = await history.read(sessionKeys(owner, id), {
    limit: 0,
    before: undefined,
    ttlMs: undefined,
  })
  const target = taken.meta === undefined ? id : apart(id, digest([guest, id]).slice(0, 8))
  const bounds = {
    ttlMs,
    max: Number.MAX_SAFE_INTEGER,
    expected: new Map([[note, undefined]]),
  }
  const { kind } = await fields.write(keys, new Map([[note, Buffer.from(target)]]), bounds)
  if (kind === 'written') return target
  if (kind === 'forgotten') throw forgotten('claim')
  // Another claim was faster.
  const other = (await fields.read(keys, [note], undefined)).get(note)
  if (other === undefined) throw contended('claim')
  return other.toString('latin1')
}

/** Shortened where there is no room for more, in whole characters. */
function apart(id: string, mark: string): string {
  const characters = [...decodeId(id)]
  while (Buffer.byteLength(characters.join('')) + mark.length + 1 > longestId) characters.pop()
  return encodeId('A session id', `${characters.join('')}-${mark}`)
}
