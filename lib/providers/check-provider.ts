import { OptionError } from '../errors.ts'
import type { Budgets } from '../ports/budgets.ts'
import type { Checkup } from '../ports/checkup.ts'
import type { Entries } from '../ports/entries.ts'
import type { Fields } from '../ports/fields.ts'
import type { Fills } from '../ports/fills.ts'
import type { HistoryLog } from '../ports/history.ts'
import type { Inspection } from '../ports/inspection.ts'
import type { Parts, Provider } from '../ports/provider.ts'
import type { PubSub } from '../ports/pub-sub.ts'
import type { Turns } from '../ports/turns.ts'

/**
 * Gives a provider back that has every member it needs, be they its own or of its class.
 *
 * @throws OptionError naming the first member that is missing or of another kind.
 */
export function checkProvider(provider: Provider): Provider {
  wholeProvider('provider', provider)
  return provider
}

/** @throws OptionError for a value that is not what stands there. */
type Check = (option: string, value: unknown) => void

/** A check a member: one that is left out is a type error. */
type Checks<Port> = { readonly [Member in keyof Port]-?: Check }

const wholeProvider: Check = port<Provider>({
  name,
  get: method,
  set: method,
  delete: method,
  exists: method,
  mget: method,
  mset: method,
  expire: method,
  ttl: method,
  incr: method,
  keys: method,
  deletePattern: method,
  batch: method,
  history: port<HistoryLog>({
    append: method,
    read: method,
    list: method,
    remove: method,
    amend: method,
    update: method,
    rewind: method,
    fork: method,
    shrink: method,
    forget: method,
  }),
  turns: port<Turns>({
    begin: method,
    write: method,
    end: method,
    stop: method,
    look: method,
    watch: method,
    onStop: method,
  }),
  fields: port<Fields>({ read: method, write: method }),
  budgets: port<Budgets>({
    charge: method,
    peek: method,
    settle: method,
    renew: method,
    block: method,
    clear: method,
  }),
  entries: port<Entries>({
    find: method,
    keep: method,
    amend: method,
    drop: method,
    purge: method,
    purges: method,
    clock: method,
  }),
  fills: port<Fills>({
    claim: method,
    renew: method,
    write: method,
    end: method,
    look: method,
    watch: method,
    onWatched: method,
  }),
  inspection: optional(
    port<Inspection>({ nodes: method, dbsize: method, size: method, slowlog: method }),
  ),
  checkup: optional(
    port<Checkup>({ connection: method, servers: method, rights: method, sample: method }),
  ),
  bus: optional(port<PubSub>({ publish: method, subscribe: method })),
  parts: optional(port<Parts>({ of: method, names: method })),
  onReady: optional(method),
  close: method,
})

function port<Port>(checks: Checks<Port>): Check {
  return (option, value) => {
    if (typeof value !== 'object' || value === null)
      throw new OptionError(option, 'an object', value)
    for (const [member, check] of Object.entries<Check>(checks))
      check(`${option}.${member}`, value[member as keyof typeof value])
  }
}

function optional(check: Check): Check {
  return (option, value) => {
    if (value !== undefined) check(option, value)
  }
}

function method(option: string, value: unknown): void {
  if (typeof value !== 'function') throw new OptionError(option, 'a function', value)
}

function name(option: string, value: unknown): void {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9-]*$/.test(value))
    throw new OptionError(option, "a lower-case name such as 'my-provider'", value)
}
