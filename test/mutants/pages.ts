import type { HistoryLog } from '../../lib/index.ts'
import type { Mutant } from './mutant.ts'

const everything = { limit: 10_000, before: undefined, ttlMs: undefined }

/** Faults in pages, lists and the end of conversations. */
export const pageMutants: readonly Mutant[] = [
  ...(
    [
      ['of the oldest messages', (all, { limit }) => all.slice(0, limit)],
      ['with the newest message first', (all, { limit }) => all.slice(-limit).toReversed()],
      [
        'that begins with the message it should end before',
        (all, { limit, before = Number.POSITIVE_INFINITY }) =>
          all.filter(({ seq }) => seq <= before).slice(-limit),
      ],
    ] as readonly (readonly [string, Page])[]
  ).map(([kind, page]) => ({
    fault: `reads a page ${kind}`,
    change: reading(page),
    caughtBy: ['reading › reads the newest, oldest of them first, and pages back from there'],
  })),
  {
    fault: 'gives all for a page of none',
    change: reading((all, { limit }) => all.slice(-limit)),
    caughtBy: ['reading › still knows the session where a page is empty'],
  },
  {
    fault: 'knows no session where a page is empty',
    change: ({ history }) => ({
      history: {
        ...history,
        async read(keys, range) {
          const { meta, entries } = await history.read(keys, range)
          return { meta: entries.length > 0 ? meta : undefined, entries }
        },
      },
    }),
    caughtBy: ['reading › still knows the session where a page is empty'],
  },
  {
    fault: 'lists sessions in no order',
    change: listing(async (list) => (await list()).toReversed()),
    caughtBy: ['listing › puts the last active first, with what is known of each'],
  },
  {
    fault: 'begins each listing anew',
    change: ({ history }) => ({
      history: {
        ...history,
        list: (index, { limit }) => history.list(index, { limit, after: undefined }),
      },
    }),
    caughtBy: [
      'listing › goes on after a cursor, each session once, the greater id first in one millisecond',
    ],
  },
  {
    fault: 'lists more than was asked for',
    change: ({ history }) => ({
      history: {
        ...history,
        list: (index, { after }) => history.list(index, { limit: 1000, after }),
      },
    }),
    caughtBy: [
      'listing › goes on after a cursor, each session once, the greater id first in one millisecond',
    ],
  },
  {
    fault: 'lists what it listed before, though it is gone',
    change: ({ history }) => {
      const lines = new Set<string>()
      return {
        history: {
          ...history,
          append(keys, ...rest) {
            lines.add(keys.id)
            return history.append(keys, ...rest)
          },
          async list(index, page) {
            const listed = await history.list(index, page)
            const [first] = listed
            const gone = [...lines].filter((id) => !listed.some((each) => each.id === id))
            return first ? [...listed, ...gone.map((id) => ({ ...first, id }))] : listed
          },
        },
      }
    },
    caughtBy: ['removing › leaves no key, and the other sessions', 'listing › keeps owners apart'],
  },
  {
    fault: 'has always removed a session',
    change: ({ history }) => ({
      history: {
        ...history,
        remove: async (keys) => (await history.remove(keys)) || true,
      },
    }),
    caughtBy: ['removing › says whether the session was there'],
  },
  {
    fault: 'leaves the messages of a session that is removed',
    change: ({ history }) => ({
      history: { ...history, remove: async () => true },
    }),
    caughtBy: [
      'removing › leaves no key, and the other sessions',
      'removing › lets a later append begin anew',
    ],
  },
]

type Entries = Awaited<ReturnType<HistoryLog['read']>>['entries']
type Page = (all: Entries, range: Parameters<HistoryLog['read']>[1]) => Entries

function reading(page: Page): Mutant['change'] {
  return ({ history }) => ({
    history: {
      ...history,
      async read(keys, range) {
        const { meta, entries } = await history.read(keys, { ...everything, ttlMs: range.ttlMs })
        return { meta, entries: page(entries, range) }
      },
    },
  })
}

function listing(
  change: (list: () => ReturnType<HistoryLog['list']>) => ReturnType<HistoryLog['list']>,
): Mutant['change'] {
  return ({ history }) => ({
    history: { ...history, list: (...args) => change(() => history.list(...args)) },
  })
}
