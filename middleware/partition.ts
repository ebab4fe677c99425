import { LRUCache } from 'lru-cache'
import { type Awaitable, withValue } from '../lib/awaitable.ts'
import { UsageError } from '../lib/errors.ts'
import { encodeId, partition } from '../lib/keys.ts'
import { clientNetwork } from '../lib/limit/address.ts'
import type { CheckedRule } from '../lib/limit/rule.ts'
import { inOnePiece } from '../lib/one-piece.ts'
import type { Exchange } from './exchange.ts'
import { encodeClientId } from './identity.ts'
import { adviseOnProxy } from './proxy-advice.ts'

/**
 * Whom a rule counts in this request: `user~ann`, `ip~203.0.113.7`, `key~…`, `global`; `undefined`
 * where it does not apply. `who` tells the signed-in user.
 *
 * @throws RequestError 400 for a key that cannot name anything, UsageError where there is none.
 */
export function partitionOf<Native>(
  exchange: Exchange<Native>,
  { name, key }: CheckedRule<Native>,
  who: () => Awaitable<string | undefined>,
): Awaitable<string | undefined> {
  if (typeof key === 'function') return withValue(key(exchange.native), (told) => named(name, told))
  if (key === 'global') return partition('global', '')
  if (key === 'ip') return address(exchange)
  const user = who()
  const others = key === 'user' ? undefined : exchange
  if (typeof user === 'string' || user === undefined) return counted(user, others)
  return withValue(user, (id) => counted(id, others))
}

/** The signed-in user, and of others the address where these are counted. */
function counted<Native>(
  user: string | undefined,
  others: Exchange<Native> | undefined,
): string | undefined {
  if (user !== undefined) return partition('user', user)
  return others && address(others)
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

function address<Native>({ app, ip }: Exchange<Native>): string {
  adviseOnProxy(app)
  return ofAddress(ip ?? '')
}

/** Reading an address takes longer than finding it: the same clients come again and again. */
const addresses = new LRUCache<string, string>({ max: 4096 })
// The longest way to write an address, with a port; what is longer came from a client, and is none.
const longestAddress = 60

function ofAddress(ip: string): string {
  const known = addresses.get(ip)
  if (known !== undefined) return known
  const found = partition('ip', encodeId('The address', clientNetwork(ip)))
  if (ip.length <= longestAddress) addresses.set(inOnePiece(ip), inOnePiece(found))
  return found
}
