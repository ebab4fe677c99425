import { UsageError } from '../errors.ts'
import { ownerKeys, type SessionKeys, sessionIndex, sessionKeys, stateKey } from '../keys.ts'
import type { Listed } from '../ports/history.ts'
import { copyFields, copySession } from './claim-copy.ts'
import { claimPlan } from './claim-plan.ts'
import { type Codec, codecOf } from './codec.ts'
import { ifCreated } from './growth.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { preferencesTtlMs } from './session-members.ts'
import { allSessions } from './session-pages.ts'

const mostRounds = 5

/** A guest, and the user who turns out to be the same. */
export interface Parties {
  /** Owner of what is moved. */
  readonly guest: string
  /** Owner of what it becomes. */
  readonly owner: string
  readonly from: Codec
  readonly to: Codec
}

/**
 * Moves a guest's conversations to the signed-in user. Everything is copied before anything is
 * removed, and each step can be repeated: after a crash the next claim goes on.
 *
 * @throws UsageError without a user.
 */
export async function claim(rules: MemoryRules, scope: MemoryScope): Promise<number> {
  if (scope.owner.startsWith('~'))
    throw new UsageError('claim() moves a guest to a signed-in user, and nobody is signed in')
  const { guest } = scope
  if (guest === undefined) return 0
  const { history, continuation } = rules
  for (const keys of continuation.of(sessionIndex(guest)))
    await continuation.settle(keys, scope.deadline)
  const from = codecOf(rules.serializer, guest)
  const moved = await copyAll(rules, { guest, owner: scope.owner, from, to: scope.codec })
  await history.forget(ownerKeys(guest))
  scope.endGuest()
  return moved
}

/** Copies until nothing has changed meanwhile, so that a message said in another tab comes along. */
async function copyAll(rules: MemoryRules, parties: Parties): Promise<number> {
  const copied = new Map<string, number>()
  for (let round = 0; round < mostRounds; round += 1) {
    const changed = await changedSince(rules, parties.guest, copied)
    if (round > 0 && changed.length === 0) break
    for (const { id, meta } of changed) {
      await copy(rules, parties, id)
      copied.set(id, meta.rev)
    }
    if (round === 0) await copyPreferences(rules, parties)
  }
  return copied.size
}

/** Least active first, so that the user finds them in the order of the guest. */
async function changedSince(
  { history }: MemoryRules,
  guest: string,
  copied: ReadonlyMap<string, number>,
): Promise<Listed[]> {
  const changed: Listed[] = []
  for await (const listed of allSessions(history, sessionIndex(guest))) {
    if (copied.get(listed.id) !== listed.meta.rev) changed.push(listed)
  }
  return changed.reverse()
}

async function copy(rules: MemoryRules, parties: Parties, id: string): Promise<void> {
  const source = sessionKeys(parties.guest, id)
  const target = sessionKeys(parties.owner, await claimPlan(rules, parties, id))
  const { created } = await copySession(rules, parties, source, target)
  await copyFields(rules, parties, {
    kind: 'state',
    from: stateOf(source),
    to: stateOf(target),
    ttlMs: rules.ttlMs,
  })
  ifCreated(rules, target, created)
}

function stateOf(keys: SessionKeys) {
  return { fields: stateKey(keys), gone: keys.gone, session: keys }
}

function copyPreferences(rules: MemoryRules, parties: Parties): Promise<void> {
  const at = (owner: string) => {
    const { preferences, gone } = ownerKeys(owner)
    return { fields: preferences, gone, session: undefined }
  }
  return copyFields(rules, parties, {
    kind: 'preferences',
    from: at(parties.guest),
    to: at(parties.owner),
    ttlMs: preferencesTtlMs(rules, parties.owner),
  })
}
