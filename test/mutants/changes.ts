import type { Changes, HistoryLog } from '../../lib/ports/history.ts'
import type { Mutant } from './mutant.ts'

const everything = { limit: 10_000, before: undefined, ttlMs: undefined }

/** Faults in what stands beside the messages of a session. */
export const amendingMutants: readonly Mutant[] = [
  {
    fault: 'forgets what an amendment does not name',
    change: amending((changes) => ({ title: null, meta: null, ...changes })),
    caughtBy: ['what stands beside messages › is changed in part: what is not named stays'],
  },
  {
    fault: 'leaves what is to be removed',
    change: amending(({ title, meta, system, ...changes }) => ({
      ...changes,
      title: title ?? undefined,
      meta: meta ?? undefined,
      system: system ?? undefined,
    })),
    caughtBy: ['what stands beside messages › is removed by null, and a pin by false'],
  },
  {
    fault: 'takes the last first title',
    change: amending(({ firstTitle, ...changes }) => ({ title: firstTitle, ...changes })),
    caughtBy: ['what stands beside messages › takes a first title only where there is none'],
  },
  {
    fault: 'appends the system message of an amendment',
    change: ({ history }) => ({
      history: {
        ...history,
        async amend(keys, { system, ...changes }, bounds) {
          if (!system) return history.amend(keys, { system, ...changes }, bounds)
          const { ttlMs } = bounds
          const limits = { ttlMs, max: 200, keep: 150, ifRev: undefined, title: undefined }
          await history.append(keys, [system], limits)
          return history.amend(keys, changes, bounds)
        },
      },
    }),
    caughtBy: [
      'what stands beside messages › has a system message of its own, in the place of the newest',
    ],
  },
  {
    fault: 'makes no session of an amendment',
    change: ({ history }) => ({
      history: {
        ...history,
        async amend(keys, changes, bounds) {
          const { meta } = await history.read(keys, everything)
          return meta ? history.amend(keys, changes, bounds) : { kind: 'absent' }
        },
      },
    }),
    caughtBy: ['what stands beside messages › makes a session that is not there, of a title'],
  },
  {
    fault: 'makes a session of a first title',
    change: amending(({ firstTitle, ...changes }) =>
      firstTitle ? { title: firstTitle } : changes,
    ),
    caughtBy: [
      'what stands beside messages › makes none of a first title, of a summary, or of nothing',
    ],
  },
  {
    fault: 'keeps any summary',
    change: ({ history }) => ({
      history: {
        ...history,
        async amend(keys, { summary, ...changes }, bounds) {
          const after = (await history.read(keys, everything)).meta?.summary?.through ?? 0
          const any = summary && { ...summary, after }
          return history.amend(keys, { ...changes, summary: any }, bounds)
        },
      },
    }),
    caughtBy: ['a summary › takes the place of the one it goes on from, and of no other'],
  },
  {
    fault: 'reads a summary no further than the messages',
    change: ({ history }) => ({
      history: {
        ...history,
        async read(keys, range) {
          const { meta, entries } = await history.read(keys, range)
          const oldest = meta ? meta.seq - meta.length + 1 : 0
          const summary = meta?.summary && meta.summary.through >= oldest ? meta.summary : undefined
          return { meta: meta && { ...meta, summary }, entries }
        },
      },
    }),
    caughtBy: ['a summary › stays when its messages are cut'],
  },
]

/** Faults in changes of messages and of whole sessions. */
export const changesMutants: readonly Mutant[] = [
  {
    fault: 'appends a message that is changed',
    change: ({ history }) => ({
      history: {
        ...history,
        async update(keys, entry, bounds) {
          const { entries } = await history.read(keys, everything)
          const last = entries.at(-1)?.id === entry.id
          if (!last && entries.some(({ id }) => id === entry.id))
            await history.rewind(keys, entry.id, bounds)
          return history.update(keys, entry, bounds)
        },
      },
    }),
    caughtBy: ['a message that is changed › keeps its position, and has another content'],
  },
  {
    fault: 'leaves the system message that is changed',
    change: ({ history }) => ({
      history: {
        ...history,
        async update(keys, entry, bounds) {
          const system = (await history.read(keys, everything)).meta?.system
          const done = await history.update(keys, entry, bounds)
          if (done.kind === 'changed' && system) await history.amend(keys, { system }, bounds)
          return done
        },
      },
    }),
    caughtBy: ['a message that is changed › changes the system message where it is the newest'],
  },
  {
    fault: 'says that it has changed a message that is not there',
    change: ({ history }) => ({
      history: {
        ...history,
        async update(...args) {
          const done = await history.update(...args)
          return done.kind === 'absent' ? { kind: 'changed', rev: 1 } : done
        },
      },
    }),
    caughtBy: [
      'a message that is changed › is absent where it was never kept, was cut, or there is no session',
    ],
  },
  ...(['amend', 'update', 'rewind'] as const).flatMap((name): Mutant[] => [
    {
      fault: `makes a change of kind ${name} at any revision`,
      change: bounding(name, () => ({ ifRev: undefined })),
      caughtBy: [`a change › of kind ${name} is made only at the revision asked for`],
    },
    {
      fault: `leaves the time to live in a change of kind ${name}`,
      change: bounding(name, () => ({ ttlMs: 30_000 })),
      caughtBy: [`a change › of kind ${name} renews the time to live, and is activity`],
    },
    {
      fault: `makes a change of kind ${name} under the seal of another`,
      change: unsealed(name),
      caughtBy: [`a change › of kind ${name} is refused under the seal of another`],
    },
  ]),
]

type Changing = 'amend' | 'update' | 'rewind'

function amending(write: (changes: Changes) => Changes): Mutant['change'] {
  return ({ history }) => ({
    history: {
      ...history,
      amend: (keys, changes, bounds) => history.amend(keys, write(changes), bounds),
    },
  })
}

type Bounds = Parameters<HistoryLog['amend']>[2]

function bounding(name: Changing, other: () => Partial<Bounds>): Mutant['change'] {
  return ({ history }) => {
    const change = history[name] as (...args: unknown[]) => Promise<never>
    return {
      history: {
        ...history,
        [name]: (keys: unknown, what: unknown, bounds: Bounds) =>
          change(keys, what, { ...bounds, ...other() }),
      },
    }
  }
}

function unsealed(name: Changing): Mutant['change'] {
  return ({ history }) => {
    const change = history[name] as (...args: unknown[]) => Promise<never>
    const seals = new Map<string, string>()
    return {
      history: {
        ...history,
        append(keys, ...rest) {
          seals.set(keys.session, keys.seal)
          return history.append(keys, ...rest)
        },
        [name]: (keys: Parameters<HistoryLog['amend']>[0], ...rest: unknown[]) =>
          change({ ...keys, seal: seals.get(keys.session) ?? keys.seal }, ...rest),
      },
    }
  }
}
