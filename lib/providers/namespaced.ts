import { OptionError } from '../errors.ts'
import type { OwnerKeys, SessionKeys } from '../keys.ts'
import { escapePattern, markAt } from '../keys.ts'
import type { Budgets, Charge } from '../ports/budgets.ts'
import { chargeNowOf, chargingNow } from '../ports/charge-now.ts'
import type { Checkup, CommandWord } from '../ports/checkup.ts'
import type { Entries, FindEntry } from '../ports/entries.ts'
import type { FieldKeys, Fields } from '../ports/fields.ts'
import type { FillPlace, Fills } from '../ports/fills.ts'
import type { HistoryLog } from '../ports/history.ts'
import type { Command } from '../ports/key-value.ts'
import type { Provider } from '../ports/provider.ts'
import type { Turns } from '../ports/turns.ts'

/** Checks a prefix, before anything is opened for it. @throws OptionError */
export function checkPrefix(prefix: string): void {
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,128}$/.test(prefix))
    throw new OptionError('prefix', 'text of 1 to 128 characters without braces or spaces', prefix)
}

/**
 * Puts `prefix` before every key of a provider, and takes it off again where keys are listed.
 *
 * @throws OptionError for a prefix that is empty, too long, or holds braces: they would put every
 * key on one slot of a Cluster.
 */
export function namespaced(provider: Provider, prefix: string): Provider {
  checkPrefix(prefix)
  const at = (key: string) => prefix + key
  const all = (keys: readonly string[]) => keys.map(at)
  const pattern = (text: string) => escapePattern(prefix) + text
  const { budgets, inspection, checkup, bus, parts } = provider

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
    ...conversations(provider, at),
    budgets: budgetsAt(budgets, at),
    entries: entriesAt(provider.entries, prefix),
    fills: fillsAt(provider.fills, at),
    inspection: inspection && {
      ...inspection,
      size: (key, call) => inspection.size(at(key), call),
    },
    checkup: checkup && checkupAt(checkup, prefix),
    bus: bus && {
      publish: (channel, message, call) => bus.publish(at(channel), message, call),
      subscribe: (channel, listener, call) => bus.subscribe(at(channel), listener, call),
    },
    parts: parts && { of: (key) => parts.of(at(key)), names: () => parts.names() },
    onReady: (listener) => provider.onReady?.(listener),
    close: () => provider.close(),
  }
}

type At = (key: string) => string

function conversations(
  { history, turns, fields }: Provider,
  at: At,
): { history: HistoryLog; turns: Turns; fields: Fields } {
  const owner = (keys: OwnerKeys) => ownerAt(keys, at)
  const session = (keys: SessionKeys) => sessionAt(keys, at)
  const place = (keys: FieldKeys): FieldKeys => ({
    fields: at(keys.fields),
    gone: at(keys.gone),
    session: keys.session && session(keys.session),
  })
  return {
    history: {
      append: (keys, added, bounds, call) => history.append(session(keys), added, bounds, call),
      read: (keys, range, call) => history.read(session(keys), range, call),
      list: (index, page, call) => history.list(at(index), page, call),
      remove: (keys, call) => history.remove(session(keys), call),
      amend: (keys, changes, bounds, call) => history.amend(session(keys), changes, bounds, call),
      update: (keys, entry, bounds, call) => history.update(session(keys), entry, bounds, call),
      rewind: (keys, id, bounds, call) => history.rewind(session(keys), id, bounds, call),
      fork: (keys, to, through, ttlMs, call) =>
        history.fork(session(keys), session(to), through, ttlMs, call),
      shrink: (keys, max, call) => history.shrink(owner(keys), max, call),
      forget: (keys, call) => history.forget(owner(keys), call),
    },
    turns: {
      begin: (keys, question, { runner, ...claim }, bounds, limit, call) =>
        turns.begin(session(keys), question, { ...claim, runner: at(runner) }, bounds, limit, call),
      write: (keys, hold, batch, times, call) =>
        turns.write(session(keys), hold, batch, times, call),
      end: (keys, hold, answer, bounds, how, call) =>
        turns.end(session(keys), hold, answer, bounds, how, call),
      stop: (keys, turn, call) => turns.stop(session(keys), turn, call),
      look: (keys, turn, after, watchMs, call) =>
        turns.look(session(keys), turn, after, watchMs, call),
      watch: (keys, turn, listener, call) => turns.watch(session(keys), turn, listener, call),
      onStop: (runner, listener, call) => turns.onStop(at(runner), listener, call),
    },
    fields: {
      read: (keys, names, ttlMs, call) => fields.read(place(keys), names, ttlMs, call),
      write: (keys, changes, bounds, call) => fields.write(place(keys), changes, bounds, call),
    },
  }
}

function budgetsAt(budgets: Budgets, at: At): Budgets {
  const all = <T extends { readonly key: string }>(list: readonly T[]) =>
    list.map((each) => ({ ...each, key: at(each.key) }))
  const charges = (list: readonly Charge[]) =>
    all(list).map((each) =>
      each.block ? { ...each, block: { ...each.block, key: at(each.block.key) } } : each,
    )
  const chargeNow = chargeNowOf(budgets.charge)
  return {
    charge: chargeNow
      ? chargingNow((list) => chargeNow(charges(list)))
      : (list, call) => budgets.charge(charges(list), call),
    peek: (list, call) => budgets.peek(charges(list), call),
    settle: (settlements, call) => budgets.settle(all(settlements), call),
    renew: (leases, call) => budgets.renew(all(leases), call),
    block: (keys, forMs, call) => budgets.block(keys.map(at), forMs, call),
    clear: (keys, call) => budgets.clear(keys.map(at), call),
  }
}

function entriesAt(entries: Entries, prefix: string): Entries {
  const at = (key: string) => prefix + key
  const marked = (marks: readonly string[]) => marks.map((mark) => markAt(prefix, mark))
  const find: FindEntry = (key, variant, marks, call) =>
    entries.find(at(key), variant, marked(marks), call)
  const { now } = entries.find
  return {
    find: now
      ? Object.assign(find, {
          now: (key: string, variant: string, marks: readonly string[]) =>
            now(at(key), variant, marked(marks)),
        })
      : find,
    keep: (key, variant, call) => entries.keep(at(key), variant, call),
    amend: (key, variant, head, ttlMs, call) => entries.amend(at(key), variant, head, ttlMs, call),
    drop: (key, call) => entries.drop(at(key), call),
    purge: (marks, soft, call) => entries.purge(marked(marks), soft, call),
    purges: (marks, call) => entries.purges(marked(marks), call),
    clock: (call) => entries.clock(call),
  }
}

function fillsAt(fills: Fills, at: At): Fills {
  const placed = ({ key, variant }: FillPlace): FillPlace => ({ key: at(key), variant })
  return {
    claim: (place, { runner, ...claim }, call) =>
      fills.claim(placed(place), { ...claim, runner: at(runner) }, call),
    renew: (place, token, leaseMs, call) => fills.renew(placed(place), token, leaseMs, call),
    write: (place, token, batch, leaseMs, call) =>
      fills.write(placed(place), token, batch, leaseMs, call),
    end: (place, token, how, times, call) => fills.end(placed(place), token, how, times, call),
    look: (place, token, after, call) => fills.look(placed(place), token, after, call),
    watch: (place, token, listener, call) => fills.watch(placed(place), token, listener, call),
    onWatched: (runner, listener, call) => fills.onWatched(at(runner), listener, call),
  }
}

function checkupAt(checkup: Checkup, prefix: string): Checkup {
  const word = (each: CommandWord): CommandWord => {
    if (typeof each === 'string') return each
    return 'key' in each ? { key: prefix + each.key } : { channel: prefix + each.channel }
  }
  return {
    connection: () => checkup.connection(),
    servers: () => checkup.servers(),
    rights: (commands) => checkup.rights(commands.map((words) => words.map(word))),
    async sample(starts) {
      const asked = await checkup.sample(starts.map((start) => prefix + start))
      if ('why' in asked) return asked
      const { found, ...rest } = asked.value
      const bare = found.map(({ key, expires }) => ({ key: key.slice(prefix.length), expires }))
      return { value: { ...rest, found: bare } }
    },
  }
}

function ownerAt({ index, gone, preferences }: OwnerKeys, at: At): OwnerKeys {
  return { index: at(index), gone: at(gone), preferences: at(preferences) }
}

function sessionAt(keys: SessionKeys, at: At): SessionKeys {
  return { ...keys, ...ownerAt(keys, at), session: at(keys.session) }
}

function moved(command: Command, at: (key: string) => string): Command {
  if ('keys' in command) return { ...command, keys: command.keys.map(at) }
  return { ...command, key: at(command.key) }
}
