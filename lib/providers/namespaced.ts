import { OptionError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import { escapePattern } from '../keys.ts'
import type { Command } from '../ports/key-value.ts'
import type { Provider } from '../ports/provider.ts'

/**
 * Puts `prefix` before every key of a provider, and takes it off again where keys are listed.
 *
 * @throws OptionError for a prefix that is empty, too long, or holds braces: they would put every
 * key on one slot of a Cluster.
 */
export function namespaced(provider: Provider, prefix: string): Provider {
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,128}$/.test(prefix))
    throw new OptionError('prefix', 'text of 1 to 128 characters without braces or spaces', prefix)
  const at = (key: string) => prefix + key
  const all = (keys: readonly string[]) => keys.map(at)
  const session = (keys: SessionKeys): SessionKeys => ({
    ...keys,
    index: at(keys.index),
    session: at(keys.session),
  })
  const pattern = (text: string) => escapePattern(prefix) + text
  const { history, budgets, entries, inspection, bus, parts } = provider

  return {
    name: provider.name,
    get: (key, call) => provider.get(at(key), call),
    set: (key, value, ttlMs, call) => provider.set(at(key), value, ttlMs, call),
    delete: (keys, call) => provider.delete(all(keys), call),
    exists: (keys, call) => provider.exists(all(keys), call),
    mget: (keys, call) => provider.mget(all(keys), call),
    mset: (values, ttlMs, call) =>
      provider.mset(new Map([...values].map(([key, value]) => [at(key), value])), ttlMs, call),
    expire: (key, ttlMs, call) => provider.expire(at(key), ttlMs, call),
    ttl: (key, call) => provider.ttl(at(key), call),
    incr: (key, by, call) => provider.incr(at(key), by, call),
    keys: async (text) =>
      (await provider.keys(pattern(text))).map((key) => key.slice(prefix.length)),
    deletePattern: (text) => provider.deletePattern(pattern(text)),
    batch: (commands, call) =>
      provider.batch(
        commands.map((each) => moved(each, at)),
        call,
      ),
    history: {
      append: (keys, added, bounds, call) => history.append(session(keys), added, bounds, call),
      read: (keys, range, call) => history.read(session(keys), range, call),
      list: (index, page, call) => history.list(at(index), page, call),
      remove: (keys, call) => history.remove(session(keys), call),
    },
    budgets: {
      charge: (charges, call) =>
        budgets.charge(
          charges.map((charge) => ({ ...charge, key: at(charge.key) })),
          call,
        ),
      count: (key, by, bounds, call) => budgets.count(at(key), by, bounds, call),
      clear: (keys, call) => budgets.clear(all(keys), call),
    },
    entries: {
      find: (key, variant, call) => entries.find(at(key), variant, call),
      keep: (key, variant, call) => entries.keep(at(key), variant, call),
      drop: (key, call) => entries.drop(at(key), call),
    },
    inspection: inspection && {
      ...inspection,
      size: (key, call) => inspection.size(at(key), call),
    },
    bus: bus && {
      publish: (channel, message, call) => bus.publish(at(channel), message, call),
      subscribe: (channel, listener, call) => bus.subscribe(at(channel), listener, call),
    },
    parts: parts && { of: (key) => parts.of(at(key)), names: () => parts.names() },
    onReady: (listener) => provider.onReady?.(listener),
    close: () => provider.close(),
  }
}

function moved(command: Command, at: (key: string) => string): Command {
  if ('keys' in command) return { ...command, keys: command.keys.map(at) }
  return { ...command, key: at(command.key) }
}
