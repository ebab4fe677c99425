import { UsageError } from '../lib/errors.ts'
import { encodeId, partition } from '../lib/keys.ts'
import { clientNetwork } from '../lib/limit/address.ts'
import type { CheckedRule } from '../lib/limit/rule.ts'
import type { Exchange } from './exchange.ts'
import { encodeClientId } from './identity.ts'
import { adviseOnProxy } from './proxy-advice.ts'
import type { Identity } from './request-state.ts'

/**
 * Whom a rule counts in this request: `user~ann`, `ip~203.0.113.7`, `key~…`, `global`; `undefined`
 * where it does not apply. `who` tells who makes it.
 *
 * @throws RequestError 400 for a key that cannot name anything, UsageError where there is none.
 */
export async function partitionOf<Native>(
  exchange: Exchange<Native>,
  { name, key }: CheckedRule<Native>,
  who: () => Promise<Identity>,
): Promise<string | undefined> {
  if (typeof key === 'function') return named(name, await key(exchange.native))
  if (key === 'global') return partition('global', '')
  if (key === 'ip') return address(exchange)
  const identity = await who()
  return ofUser(identity) ?? (key === 'user' ? undefined : address(exchange))
}

function named(rule: string, key: string | number | null | undefined): string | undefined {
  if (key === null) return undefined
  // What the client sent is text, perhaps none that can name anything; the rest is a mistake here.
  if (typeof key !== 'string' && !Number.isSafeInteger(key))
    throw new UsageError(
      `The key function of the limit ${rule} gave ${String(key)}: give text, a whole number, or null to skip it`,
    )
  return partition('key', encodeClientId(`The key of the limit ${rule}`, key))
}

function ofUser({ user }: Identity): string | undefined {
  return user === undefined ? undefined : partition('user', user)
}

function address<Native>({ app, ip }: Exchange<Native>): string {
  adviseOnProxy(app)
  return partition('ip', encodeId('The address', clientNetwork(ip)))
}
