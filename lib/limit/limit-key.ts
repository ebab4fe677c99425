import { UsageError } from '../errors.ts'
import { encodeId, type Id, IdError, partition } from '../keys.ts'
import { checkNames, type Names } from '../options.ts'
import { clientNetwork, noNetwork } from './address.ts'
import type { Rule } from './rule.ts'

/**
 * Whom a limiter counts outside a request. One id stands for whatever a rule counts: the user, the
 * address, or what its key function would have named. An object names them apart; a rule that finds
 * nothing there does not apply.
 */
export type LimitKey = Id | { readonly user?: Id; readonly ip?: string; readonly key?: Id }

type RuleKey = Rule<never>['key']

const keyNames: Names<Exclude<LimitKey, Id>> = { user: true, ip: true, key: true }

/** Whom a rule counts that has this `key`; `undefined` where it does not apply. @throws UsageError, OptionError */
export function partitionOf(key: RuleKey, given: LimitKey): string | undefined {
  if (typeof given !== 'object' || given === null) return ofId(key, given)
  checkNames('key', given, keyNames)
  const { user, ip } = given
  if (key === 'global') return partition('global', '')
  if (typeof key === 'function') return given.key === undefined ? undefined : named(given.key)
  if (key !== 'ip' && user !== undefined) return ofUser(user)
  return key === 'user' || ip === undefined ? undefined : ofAddress(ip)
}

function ofId(key: RuleKey, id: Id): string {
  if (key === 'global') return partition('global', '')
  if (key === 'ip') return ofAddress(String(id))
  return typeof key === 'function' ? named(id) : ofUser(id)
}

function ofUser(id: Id): string {
  return partition('user', encoded('The user', id))
}

function ofAddress(ip: string): string {
  const network = clientNetwork(ip)
  if (network === noNetwork) throw new UsageError(`${JSON.stringify(ip)} is no IP address`)
  return partition('ip', encoded('The address', network))
}

function named(id: Id): string {
  return partition('key', encoded('The key', id))
}

function encoded(what: string, id: Id): string {
  try {
    return encodeId(what, id)
  } catch (error) {
    if (error instanceof IdError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
