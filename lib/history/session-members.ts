import { decodeId, type SessionKeys, sessionKeys, stateKey } from '../keys.ts'
import { mostPreferences, mostState, preferenceBytes } from './field-form.ts'
import { ifCreated } from './growth.ts'
import type { Memory } from './memory.ts'
import { toEntry } from './message.ts'
import { encodeMessageId } from './message-id.ts'
import { checkRev, contended, notFound, unlessRefused } from './refusal.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { toChanges } from './session-changes.ts'
import { sessionLines } from './session-export.ts'
import { toInfo } from './session-info.ts'
import type { SessionLog } from './session-log.ts'
import { typedHash } from './typed-hash.ts'

/** What a conversation offers beside its messages. */
export type SessionMembers = Pick<
  Memory,
  'info' | 'set' | 'update' | 'rewind' | 'fork' | 'state' | 'preferences' | 'export'
>

/** These members of one conversation. */
export function sessionMembers(
  rules: MemoryRules,
  scope: MemoryScope,
  keys: SessionKeys,
  log: SessionLog,
  open: (id: string) => Memory,
): SessionMembers {
  const { history, ttlMs } = rules
  const { codec } = scope
  return {
    info: async () => {
      const range = { limit: 0, before: undefined, ttlMs }
      const { meta } = await log.ask((call) => history.read(keys, range, call))
      return meta && toInfo({ id: keys.id, meta }, codec)
    },
    set: async (given, { ifRev } = {}) => {
      const changes = toChanges(given, rules, codec)
      const bounds = { ttlMs, ifRev: checkRev(ifRev) }
      const result = await log.ask((call) => history.amend(keys, changes, bounds, call))
      const done = unlessRefused('set', result, ifRev)
      ifCreated(rules, keys, done?.rev === 1)
    },
    update: async (id, message, { ifRev } = {}) => {
      const entry = toEntry(message, rules, codec, { id })
      const bounds = { ttlMs, ifRev: checkRev(ifRev) }
      const result = await log.ask((call) => history.update(keys, entry, bounds, call))
      return unlessRefused('update', result, ifRev) !== undefined
    },
    rewind: async (id, { ifRev } = {}) => {
      const bounds = { ttlMs, ifRev: checkRev(ifRev) }
      const message = encodeMessageId(id)
      const result = await log.ask((call) => history.rewind(keys, message, bounds, call))
      const done = unlessRefused('rewind', result, ifRev)
      if (done === undefined) throw notFound()
      return done.removed
    },
    fork: async (at) => {
      const to = sessionKeys(scope.owner, crypto.randomUUID())
      const through = at === undefined ? undefined : encodeMessageId(at)
      const result = await log.ask((call) => history.fork(keys, to, through, ttlMs, call))
      if (result.kind === 'exists') throw contended('fork')
      if (unlessRefused('fork', result) === undefined) throw notFound()
      ifCreated(rules, keys, true)
      return open(decodeId(to.id))
    },
    ...hashes(rules, scope, keys, log),
    export: async function* () {
      // What is still in this process would be missing.
      await log.ask(async () => {})
      yield* sessionLines(rules, codec, keys)
    },
  }
}

function hashes(
  rules: MemoryRules,
  { owner, codec }: MemoryScope,
  keys: SessionKeys,
  log: SessionLog,
): Pick<Memory, 'state' | 'preferences'> {
  const { gone } = keys
  return {
    state: typedHash(rules, codec, log, {
      kind: 'state',
      keys: { fields: stateKey(keys), gone, session: keys },
      ttlMs: rules.ttlMs,
      most: mostState,
      maxBytes: rules.maxBytes,
    }),
    preferences: typedHash(rules, codec, log, {
      kind: 'preferences',
      keys: { fields: keys.preferences, gone, session: undefined },
      ttlMs: preferencesTtlMs(rules, owner),
      most: mostPreferences,
      maxBytes: Math.min(rules.maxBytes, preferenceBytes),
    }),
  }
}

/** A guest is forgotten with the guest's conversations. */
export function preferencesTtlMs(
  { ttlMs, preferencesTtlMs: signedInMs }: MemoryRules,
  owner: string,
): number | undefined {
  return owner.startsWith('~') ? ttlMs : signedInMs
}
