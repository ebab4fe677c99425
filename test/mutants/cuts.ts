import type { Mutant } from './mutant.ts'

const everything = { limit: 10_000, before: undefined, ttlMs: undefined }

/** Faults in what is removed and copied. */
export const cutsMutants: readonly Mutant[] = [
  {
    fault: 'keeps the message that it rewinds to',
    change: ({ history }) => ({
      history: {
        ...history,
        async rewind(keys, id, bounds) {
          const { entries } = await history.read(keys, everything)
          const next = entries[entries.findIndex((entry) => entry.id === id) + 1]
          return history.rewind(keys, next?.id ?? id, bounds)
        },
      },
    }),
    caughtBy: ['rewinding › removes a message and all after it; positions are given anew'],
  },
  {
    fault: 'removes a session without messages',
    change: ({ history }) => ({
      history: {
        ...history,
        async rewind(keys, ...rest) {
          const done = await history.rewind(keys, ...rest)
          const { meta } = await history.read(keys, everything)
          if (meta?.length === 0) await history.remove(keys)
          return done
        },
      },
    }),
    caughtBy: ['rewinding › may remove all: the session stays'],
  },
  {
    fault: 'keeps summary and system message of what was rewound',
    change: ({ history }) => ({
      history: {
        ...history,
        async rewind(keys, id, bounds) {
          const { meta } = await history.read(keys, everything)
          const done = await history.rewind(keys, id, bounds)
          const { system, summary } = meta ?? {}
          await history.amend(
            keys,
            { system, summary: summary && { ...summary, after: 0 } },
            bounds,
          )
          return done
        },
      },
    }),
    caughtBy: ['rewinding › makes the newest system message that is left the newest'],
  },
  {
    fault: 'forgets the summary whenever it rewinds',
    change: ({ history }) => ({
      history: {
        ...history,
        async read(keys, range) {
          const { meta, entries } = await history.read(keys, range)
          const summary = meta && meta.rev > 2 ? undefined : meta?.summary
          return { meta: meta && { ...meta, summary }, entries }
        },
      },
    }),
    caughtBy: [
      'rewinding › takes a summary along that reached beyond, and leaves one that did not',
    ],
  },
  {
    fault: 'copies all up to the message and without it',
    change: ({ history }) => ({
      history: {
        ...history,
        async fork(from, to, through, ttlMs) {
          const done = await history.fork(from, to, through, ttlMs)
          if (through) await history.rewind(to, through, { ttlMs, ifRev: undefined })
          return done
        },
      },
    }),
    caughtBy: ['forking › copies up to a message and with it'],
  },
  {
    fault: 'copies the pin',
    change: ({ history }) => ({
      history: {
        ...history,
        async fork(from, to, through, ttlMs) {
          const done = await history.fork(from, to, through, ttlMs)
          await history.amend(to, { pinned: true }, { ttlMs, ifRev: undefined })
          return done
        },
      },
    }),
    caughtBy: ['forking › copies all: messages, title, meta, system message, summary, state'],
  },
  {
    fault: 'copies over a session that is there',
    change: ({ history }) => ({
      history: {
        ...history,
        async fork(from, to, ...rest) {
          if (from.id !== to.id) await history.remove(to)
          return history.fork(from, to, ...rest)
        },
      },
    }),
    caughtBy: ['forking › takes the place of no session'],
  },
]

/** Faults in what becomes of all sessions of an owner. */
export const ownersMutants: readonly Mutant[] = [
  {
    fault: 'shrinks to one too many',
    change: ({ history }) => ({
      history: { ...history, shrink: (owner, max) => history.shrink(owner, max + 1) },
    }),
    caughtBy: [
      'shrinking › removes those that were not active for longest, with all that hangs on them',
    ],
  },
  {
    fault: 'removes the sessions that were active last',
    change: ({ history }) => ({
      history: {
        ...history,
        async shrink(owner, max) {
          const all = await history.list(owner.index, { limit: 1000, after: undefined })
          const over = all.slice(0, Math.max(0, all.length - max)).map(({ id }) => id)
          for (const id of over)
            await history.remove({ ...owner, id, session: `${owner.index}:${id}`, seal: '' })
          return over
        },
      },
    }),
    caughtBy: [
      'shrinking › removes those that were not active for longest, with all that hangs on them',
    ],
  },
  {
    fault: 'forgets nothing but the index',
    change: ({ history, ...sound }) => ({
      history: {
        ...history,
        async forget({ index }) {
          const all = await history.list(index, { limit: 1000, after: undefined })
          await sound.delete([index])
          return all.length
        },
      },
    }),
    caughtBy: [
      'forgetting an owner › removes all sessions and preferences, and tells how many sessions',
    ],
  },
  {
    fault: 'forgets without a tombstone',
    change: ({ history, ...sound }) => ({
      history: {
        ...history,
        async forget(owner) {
          const all = await history.list(owner.index, { limit: 1000, after: undefined })
          for (const { id } of all) await sound.delete([`${owner.index}:${id}`])
          await sound.delete([owner.preferences])
          return all.length
        },
      },
    }),
    caughtBy: ['forgetting an owner › lets nothing be written for the owner'],
  },
  {
    fault: 'has a tombstone for everybody',
    change: ({ history }) => {
      let fallen = false
      return {
        history: {
          ...history,
          async append(...args) {
            return fallen ? { kind: 'forgotten' } : history.append(...args)
          },
          forget(owner) {
            fallen = true
            return history.forget(owner)
          },
        },
      }
    },
    caughtBy: ['forgetting an owner › lets everybody else write'],
  },
]
