import { type Call, Deadline } from '../deadline.ts'
import type { Guarded } from '../ports/guarded.ts'
import type { Inspection } from '../ports/inspection.ts'
import type { Command } from '../ports/key-value.ts'
import type { Provider } from '../ports/provider.ts'
import type { PubSub } from '../ports/pub-sub.ts'
import { all, type Bind, binder, type Keys, none, one, oneEach } from './binder.ts'
import { told } from './gate.ts'
import { createGates } from './gates.ts'
import { guardedPorts } from './guarded-ports.ts'

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
    probe: gates.probe,
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
    checkup: provider.checkup,
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

type Span = number | undefined

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
