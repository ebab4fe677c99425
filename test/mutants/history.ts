import type { HistoryLog, NewEntry, Provider } from '../../lib/index.ts'
import { type Mutant, turn } from './mutant.ts'

const everything = { limit: 10_000, before: undefined, ttlMs: undefined }

/** Faults in conversations. */
export const historyMutants: readonly Mutant[] = [
  {
    fault: 'loses the order of messages',
    change: appending((entries) => entries.toReversed()),
    caughtBy: ['appending › keeps messages as they are, in order'],
  },
  {
    fault: 'keeps payloads as text',
    change: appending((entries) =>
      entries.map((each) => ({ ...each, payload: Buffer.from(String(Buffer.from(each.payload))) })),
    ),
    caughtBy: ['appending › keeps messages as they are, in order'],
  },
  {
    fault: 'keeps an id as often as it comes',
    change: repeatingIds,
    caughtBy: [
      'appending what is there › keeps an id once, within a call and between calls',
      'appending what is there › changes nothing when all are there',
    ],
  },
  {
    fault: 'takes ids for one that differ in case',
    change: appending((entries) => entries.map((each) => ({ ...each, id: each.id.toLowerCase() }))),
    caughtBy: ['appending what is there › tells ids apart by every byte'],
  },
  {
    fault: 'appends message by message',
    change: ({ history }) => ({
      history: {
        ...history,
        async append(keys, entries, bounds) {
          for (const each of entries.slice(0, -1)) {
            await history.append(keys, [each], bounds)
            await turn()
          }
          return history.append(keys, entries.slice(-1), bounds)
        },
      },
    }),
    caughtBy: ['appending › keeps messages as they are, in order'],
  },
  {
    fault: 'appends at any revision',
    change: bounding(() => ({ ifRev: undefined })),
    caughtBy: [
      'appending at a revision › appends only at the revision asked for; a session that is not there has 0',
    ],
  },
  {
    fault: 'looks at the revision in a step of its own',
    change: ({ history }) => ({
      history: {
        ...history,
        async append(keys, entries, { ifRev, ...bounds }) {
          const rev = (await history.read(keys, everything)).meta?.rev ?? 0
          if (ifRev !== undefined && rev !== ifRev) return { kind: 'conflict', rev }
          await turn()
          return history.append(keys, entries, { ...bounds, ifRev: undefined })
        },
      },
    }),
    caughtBy: ['appending at a revision › lets one of many at one revision through'],
  },
  {
    fault: 'never trims',
    change: bounding(() => ({ max: 1_000_000 })),
    caughtBy: ['trimming › cuts where a turn begins, never more is kept than asked for'],
  },
  {
    fault: 'trims to the most that is kept',
    change: bounding(({ max }) => ({ keep: max })),
    caughtBy: ['trimming › cuts where a turn begins, never more is kept than asked for'],
  },
  {
    fault: 'cuts in the middle of a turn',
    change: withoutRoles,
    caughtBy: ['trimming › cuts where a turn begins, never more is kept than asked for'],
  },
  {
    fault: 'forgets the system message that was cut',
    change: ({ history }) => ({
      history: {
        ...history,
        async read(keys, range) {
          const { meta, entries } = await history.read(keys, range)
          const system = entries.findLast(({ role }) => role === 's' || role === 'd')
          return { meta: meta && { ...meta, system }, entries }
        },
      },
    }),
    caughtBy: ['trimming › keeps the newest system message beside the list'],
  },
  {
    fault: 'never ends a session',
    change: bounding(() => ({ ttlMs: undefined })),
    caughtBy: [
      'the time a session is kept › is renewed by an append, also by one that adds nothing',
    ],
  },
  {
    fault: 'renews a session whenever it is read',
    change: ({ history }) => ({
      history: {
        ...history,
        read: (keys, { ttlMs = 300_000, ...range }) => history.read(keys, { ...range, ttlMs }),
      },
    }),
    caughtBy: [
      'the time a session is kept › is renewed by a read that asks for it, and left by one that does not',
    ],
  },
  {
    fault: 'reads a session under the seal of another',
    change: ({ history }) => ({
      history: {
        ...history,
        append: (keys, ...rest) => history.append({ ...keys, seal: 'one' }, ...rest),
        read: (keys, ...rest) => history.read({ ...keys, seal: 'one' }, ...rest),
      },
    }),
    caughtBy: ['a session that is not as it was left › is corrupt under the seal of another'],
  },
]

type Append = Parameters<HistoryLog['append']>

function appending(write: (entries: readonly NewEntry[]) => NewEntry[]): Mutant['change'] {
  return ({ history }) => ({
    history: {
      ...history,
      append: (keys, entries, bounds) => history.append(keys, write(entries), bounds),
    },
  })
}

function bounding(other: (bounds: Append[2]) => Partial<Append[2]>): Mutant['change'] {
  return ({ history }) => ({
    history: {
      ...history,
      append: (keys, entries, bounds) =>
        history.append(keys, entries, { ...bounds, ...other(bounds) }),
    },
  })
}

/** Each id gets a number that `read` takes off again. */
function repeatingIds({ history }: Provider): Partial<Provider> {
  let number = 0
  return {
    history: {
      ...history,
      append(keys, entries, bounds) {
        const numbered = entries.map((each) => {
          number += 1
          return { ...each, id: `${each.id}#${number}` }
        })
        return history.append(keys, numbered, bounds)
      },
      async read(keys, range) {
        const { meta, entries } = await history.read(keys, range)
        return {
          meta,
          entries: entries.map((each) => ({ ...each, id: each.id.replace(/#\d+$/, '') })),
        }
      },
    },
  }
}

/** Each message begins a turn; its role stands before its text, and `read` takes it off again. */
function withoutRoles({ history }: Provider): Partial<Provider> {
  return {
    history: {
      ...history,
      append(keys, entries, bounds) {
        const users = entries.map(({ role, payload, ...rest }) => ({
          ...rest,
          role: 'u' as const,
          payload: Buffer.concat([Buffer.from(role), payload]),
        }))
        return history.append(keys, users, bounds)
      },
      async read(keys, range) {
        const { meta, entries } = await history.read(keys, range)
        const roles = entries.map(({ payload, ...rest }) => ({
          ...rest,
          role: payload.toString('latin1', 0, 1) as NewEntry['role'],
          payload: payload.subarray(1),
        }))
        return { meta, entries: roles }
      },
    },
  }
}
