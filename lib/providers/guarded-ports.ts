import type { Call } from '../deadline.ts'
import { purgeKey } from '../keys.ts'
import type { Entries } from '../ports/entries.ts'
import type { FillPlace, Fills } from '../ports/fills.ts'
import type { Provider } from '../ports/provider.ts'
import type { Turns } from '../ports/turns.ts'
import {
  all,
  type Bind,
  budgetKeys,
  type Keys,
  none,
  one,
  oneEach,
  owners,
  places,
} from './binder.ts'

/** Ports behind gates. */
export function guardedPorts(
  { history, budgets, ...others }: Provider,
  bound: Bind,
): Pick<Provider, 'history' | 'turns' | 'fields' | 'budgets' | 'entries' | 'fills'> {
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
    entries: guardedEntries(others.entries, bound),
    fills: guardedFills(others.fills, bound),
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

function guardedEntries(entries: Entries, bound: Bind): Entries {
  return {
    find: bound(
      'find',
      (key, [, , marks]) => [key, ...marks.map(purgeKey)],
      async (key: string, variant: string, marks: Keys, call: Call) => {
        const found = await entries.find(key, variant, marks, call)
        oneEach('find', marks, found.purges)
        return found
      },
    ),
    keep: bound('keep', one, (key, variant, call) => entries.keep(key, variant, call)),
    amend: bound('amend', one, (key, variant, head, ttlMs, call) =>
      entries.amend(key, variant, head, ttlMs, call),
    ),
    drop: bound('drop', one, (key, call) => entries.drop(key, call)),
    purge: bound('purge', marked, (marks, soft, call) => entries.purge(marks, soft, call)),
    purges: bound('purges', marked, async (marks, call) =>
      oneEach('purges', marks, await entries.purges(marks, call)),
    ),
    clock: bound('clock', none, (call) => entries.clock(call)),
  }
}

function guardedFills(fills: Fills, bound: Bind): Fills {
  return {
    claim: bound('claim', placed, (place, claim, call) => fills.claim(place, claim, call)),
    renew: bound('renew', placed, (place, token, leaseMs, call) =>
      fills.renew(place, token, leaseMs, call),
    ),
    write: bound('write', placed, (place, token, batch, leaseMs, call) =>
      fills.write(place, token, batch, leaseMs, call),
    ),
    end: bound('end', placed, (place, token, how, times, call) =>
      fills.end(place, token, how, times, call),
    ),
    look: bound('look', placed, (place, token, after, call) =>
      fills.look(place, token, after, call),
    ),
    watch: bound('watch', none, (place, token, listener, call) =>
      fills.watch(place, token, listener, call),
    ),
    onWatched: bound('onWatched', none, (runner, listener, call) =>
      fills.onWatched(runner, listener, call),
    ),
  }
}

function marked(marks: Keys): Keys {
  return marks.map(purgeKey)
}

function placed({ key }: FillPlace): Keys {
  return [key]
}
