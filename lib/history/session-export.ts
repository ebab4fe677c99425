import { StoreError } from '../errors.ts'
import { type SessionKeys, sessionIndex, sessionKeys } from '../keys.ts'
import type { Codec } from './codec.ts'
import { type StoredMessage, toMessage } from './message.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { textIn, toInfo } from './session-info.ts'
import { allSessions, type SessionPage, sessionPages } from './session-pages.ts'

/** All sessions of a user as lines of JSON, each session before its messages. */
export async function* exportLines(
  rules: Pick<MemoryRules, 'history'>,
  { owner, codec }: Pick<MemoryScope, 'owner' | 'codec'>,
): AsyncGenerator<string> {
  for await (const { id } of allSessions(rules.history, sessionIndex(owner)))
    yield* sessionLines(rules, codec, sessionKeys(owner, id))
}

/** One session as lines of JSON: `{type:'session',…}`, then `{type:'message',…}`, oldest first. */
export async function* sessionLines(
  { history }: Pick<MemoryRules, 'history'>,
  codec: Codec,
  keys: SessionKeys,
): AsyncGenerator<string> {
  let begun = false
  for await (const { meta, entries } of sessionPages(history, keys)) {
    if (!begun) yield line({ type: 'session', ...sessionOf(keys, meta, codec) })
    begun = true
    for (const entry of entries) yield messageLine(toMessage(entry, codec))
  }
}

function sessionOf({ id }: SessionKeys, meta: SessionPage['meta'], codec: Codec): object {
  const { system, summary } = meta
  return {
    ...toInfo({ id, meta }, codec),
    system: system && toMessage(system, codec),
    summary: summary && {
      through: summary.through,
      text: textIn(codec.decode('~summary', summary.payload)),
    },
  }
}

function messageLine(message: StoredMessage): string {
  // First and last: some messages have a type of their own. Assigned, `__proto__` would be lost.
  return line({ ...{ type: '' }, ...message, type: 'message' })
}

function line(value: object): string {
  try {
    return `${JSON.stringify(value)}\n`
  } catch (cause) {
    // Deeper than anything that is written here.
    throw new StoreError('read', 'corrupt', { cause })
  }
}
