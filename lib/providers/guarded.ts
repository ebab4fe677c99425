import { type Call, Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { OwnerKeys } from '../keys.ts'
import type { FieldKeys } from '../ports/fields.ts'
import type { Guarded } from '../ports/guarded.ts'
import type { Inspection } from '../ports/inspection.ts'
import type { Command } from '../ports/key-value.ts'
import type { Provider } from '../ports/provider.ts'
import type { PubSub } from '../ports/pub-sub.ts'
import type { Turns } from '../ports/turns.ts'
import { type Gate, told } from './gate.ts'
import { createGates, type Gates } from './gates.ts'

/**
 * Puts a deadline and a breaker around a provider; around each of its parts, where it names them.
 *
 * Each call ends within what is left of its deadline; a reply that comes later is dropped. After
 * five failures in a row calls fail at once; a second later, or when the provider says that it is
 * ready, one of them goes through as a probe. Scans (`keys`, `deletePattern`) and `close` take as
 * long as they take. Whatever a provider throws, callers get a `StoreError`.
 */
export function guarded(provider: Provider, { deadlineMs }: { deadlineMs: number }): Guarded {
  const gates = createGates(provider.parts)
  provider.onReady?.(gates.probe)
  const bound = binder(gates, deadlineMs)
  const scan = <T>(operation: string, send: () => Promise<T>) =>
    gates.before([]).scan(operation, send)

  return {
    name: provider.name,
    get degraded() {
      return gates.open
    },
    deadline: () => new Deadline(deadlineMs),
    get: bound('get', one, (key: string, call: Call) => provider.get(key, call)),
    set: bound('set', one, (key: string, value: Uint8Array, ttlMs: Span, call: Call) =>
      provider.set(key, value, ttlMs, call),
    ),
    delete: bound('delete', all, (keys: Keys, call: Call) => provider.delete(keys, call)),
    exists: bound('exists', all, (keys: Keys, call: Call) => provider.exists(keys, call)),
    mget: bound('mget', all, async (keys: Keys, call: Call) =>
      oneEach('mget', keys, await provider.mget(keys, call)),
    ),
    mset: bound(
      'mset',
      (values) => [...values.keys()],
      (values: ReadonlyMap<string, Uint8Array>, ttlMs: Span, call: Call) =>
        provider.mset(values, ttlMs, call),
    ),
    expire: bound('expire', one, (key: string, ttlMs: number, call: Call) =>
      provider.expire(key, ttlMs, call),
    ),
    ttl: bound('ttl', one, (key: string, call: Call) => provider.ttl(key, call)),
    incr: bound('incr', one, (key: string, by: number, call: Call) => provider.incr(key, by, call)),
    batch: bound(
      'pipeline',
      (commands) => commands.flatMap((each) => ('keys' in each ? each.keys : [each.key])),
      async (commands: readonly Command[], call: Call) => {
        const replies = oneEach('pipeline', commands, await provider.batch(commands, call))
        return replies.map((each) => (each instanceof Error ? told('pipeline', each) : each))
      },
    ),
    keys: (pattern) => scan('keys', () => provider.keys(pattern)),
    deletePattern: (pattern) => scan('deletePattern', () => provider.deletePattern(pattern)),
    ...guardedPorts(provider, bound),
    inspection: provider.inspection && guardedInspection(provider.inspection, bound),
    bus: provider.bus && guardedBus(provider.bus, bound),
    async close() {
      try {
        await provider.close()
      } catch (error) {
        throw told('close', error)
      }
    },
  }
}

type Keys = readonly string[]
type Span = number | undefined

type Bind = ReturnType<typeof binder>

/** Puts methods behind the gate of the keys they work on; the first argument tells which. */
function binder(gates: Gates, deadlineMs: number) {
  function gateBefore(operation: string, keys: Keys): Gate {
    try {
      return gates.before(keys)
    } catch (error) {
      throw told(operation, error)
    }
  }

  return function bound<Args extends unknown[], T>(
    operation: string,
    keysOf: (first: NoInfer<Args>[0]) => Keys,
    send: (...args: [...Args, Call]) => Promise<T>,
  ): (...args: [...Args, call?: Call]) => Promise<T> {
    return async (...given) => {
      const args = given.slice(0, send.length - 1) as Args
      const call = given[send.length - 1] as Call | undefined
      const deadline = call?.deadline ?? new Deadline(deadlineMs)
      return gateBefore(operation, keysOf(args[0])).pass(operation, deadline, (wait) =>
        send(...args, { deadline, wait }),
      )
    }
  }
}

function guardedPorts(
  { history, budgets, entries, ...others }: Provider,
  bound: Bind,
): Pick<Provider, 'history' | 'turns' | 'fields' | 'budgets' | 'entries'> {
  return {
    turns: guardedTurns(others.turns, bound),
    fields: {
      read: bound('read', places, (keys, names, ttlMs, call) =>
        others.fields.read(keys, names, ttlMs, call),
      ),
      write: bound('write', places, (keys, changes, bounds, call) =>
        others.fields.write(keys, changes, bounds, call),
      ),
    },
    history: {
      append: bound('append', owners, (keys, added, bounds, call) =>
        history.append(keys, added, bounds, call),
      ),
      read: bound('read', owners, (keys, range, call) => history.read(keys, range, call)),
      list: bound('list', one, (index, page, call) => history.list(index, page, call)),
      remove: bound('remove', owners, (keys, call) => history.remove(keys, call)),
      amend: bound('amend', owners, (keys, changes, bounds, call) =>
        history.amend(keys, changes, bounds, call),
      ),
      update: bound('update', owners, (keys, entry, bounds, call) =>
        history.update(keys, entry, bounds, call),
      ),
      rewind: bound('rewind', owners, (keys, id, bounds, call) =>
        history.rewind(keys, id, bounds, call),
      ),
      fork: bound('fork', owners, (keys, to, through, ttlMs, call) =>
        history.fork(keys, to, through, ttlMs, call),
      ),
      shrink: bound('shrink', owners, (keys, max, call) => history.shrink(keys, max, call)),
      forget: bound('forget', owners, (keys, call) => history.forget(keys, call)),
    },
    budgets: {
      charge: bound('charge', budgetKeys, async (charges, call) =>
        oneEach('charge', charges, await budgets.charge(charges, call)),
      ),
      peek: bound('peek', budgetKeys, async (charges, call) =>
        oneEach('peek', charges, await budgets.peek(charges, call)),
      ),
      settle: bound('settle', budgetKeys, async (settlements, call) =>
        oneEach('settle', settlements, await budgets.settle(settlements, call)),
      ),
      renew: bound('renew', budgetKeys, (leases, call) => budgets.renew(leases, call)),
      block: bound('block', all, (keys, forMs, call) => budgets.block(keys, forMs, call)),
      clear: bound('clear', all, (keys, call) => budgets.clear(keys, call)),
    },
    entries: {
      find: bound('find', one, (key, variant, call) => entries.find(key, variant, call)),
      keep: bound('keep', one, (key, variant, call) => entries.keep(key, variant, call)),
      drop: bound('drop', one, (key, call) => entries.drop(key, call)),
    },
  }
}

function guardedTurns(turns: Turns, bound: Bind): Turns {
  return {
    begin: bound('begin', owners, (keys, question, claim, limits, limit, call) =>
      turns.begin(keys, question, claim, limits, limit, call),
    ),
    write: bound('write', owners, (keys, hold, batch, times, call) =>
      turns.write(keys, hold, batch, times, call),
    ),
    end: bound('end', owners, (keys, hold, answer, bounds, how, call) =>
      turns.end(keys, hold, answer, bounds, how, call),
    ),
    stop: bound('stop', owners, (keys, turn, call) => turns.stop(keys, turn, call)),
    look: bound('look', owners, (keys, turn, after, watchMs, call) =>
      turns.look(keys, turn, after, watchMs, call),
    ),
    watch: bound('watch', none, (keys, turn, listener, call) =>
      turns.watch(keys, turn, listener, call),
    ),
    onStop: bound('onStop', none, (runner, listener, call) => turns.onStop(runner, listener, call)),
  }
}

function guardedInspection(inspection: Inspection, bound: Bind): Inspection {
  return {
    nodes: bound('info', none, (call) => inspection.nodes(call)),
    dbsize: bound('dbsize', none, (call) => inspection.dbsize(call)),
    size: bound('size', one, (key, call) => inspection.size(key, call)),
    slowlog: bound('slowlog', none, (count, call) => inspection.slowlog(count, call)),
  }
}

function guardedBus(bus: PubSub, bound: Bind): PubSub {
  return {
    publish: bound('publish', none, (channel, message, call) =>
      bus.publish(channel, message, call),
    ),
    subscribe: bound('subscribe', none, (channel, listener, call) =>
      bus.subscribe(channel, listener, call),
    ),
  }
}

function owners(keys: OwnerKeys): Keys {
  return [keys.index]
}

function places(keys: FieldKeys): Keys {
  return [keys.fields]
}

function budgetKeys(each: readonly { readonly key: string }[]): Keys {
  return each.map(({ key }) => key)
}

function one(key: string): Keys {
  return [key]
}

function all(keys: Keys): Keys {
  return keys
}

function none(): Keys {
  return []
}

/** A reply that cannot be matched with what was asked would be taken for another's. */
function oneEach<List extends readonly unknown[]>(
  operation: string,
  asked: readonly unknown[],
  replies: List,
): List {
  if (Array.isArray(replies) && replies.length === asked.length) return replies
  throw new StoreError(operation, 'corrupt')
}
