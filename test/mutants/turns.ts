import type { Provider } from '../../lib/index.ts'
import type { TurnRecord } from '../../lib/ports/history.ts'
import type { Turns } from '../../lib/ports/turns.ts'
import { type Mutant, turn } from './mutant.ts'

const hourMs = 3_600_000

/** Faults in how turns begin. */
export const beginMutants: readonly Mutant[] = [
  {
    fault: 'looks for other turns in a step of its own',
    change: answering(({ begin, look }) => ({
      async begin(keys, question, claim, ...rest) {
        const { live } = await look(keys, undefined, 0, 0)
        await turn()
        return begin(keys, question, { ...claim, alone: claim.alone && live }, ...rest)
      },
    })),
    caughtBy: [
      'beginning a turn that another is in the way of › lets one of fifty questions through',
    ],
  },
  {
    fault: 'gives each sending of a turn a token of its own',
    change: answering(({ begin }) => {
      let sent = 0
      return {
        begin(keys, question, { token, ...claim }, ...rest) {
          sent += 1
          return begin(keys, question, { ...claim, token: `${token}-${sent}` }, ...rest)
        },
      }
    }),
    caughtBy: ['beginning a turn › is the same turn when it comes again with its token'],
  },
  {
    fault: 'lets turns run side by side always',
    change: claiming(() => ({ alone: false })),
    caughtBy: [
      'beginning a turn that another is in the way of › stores nothing while another question is answered, where turns run one by one',
    ],
  },
  {
    fault: 'lets no turns run side by side',
    change: claiming(() => ({ alone: true })),
    caughtBy: [
      'beginning a turn that another is in the way of › waits for no other question where turns may run side by side',
    ],
  },
  {
    fault: 'believes for an hour that whoever answers lives',
    change: claiming(() => ({ leaseMs: hourMs })),
    caughtBy: ['beginning a turn › stores the question and takes the turn'],
  },
  {
    fault: 'reads the session as it was before the question',
    change: answering(({ begin }, { history }) => ({
      async begin(keys, question, claim, bounds, limit) {
        const read = await history.read(keys, { limit, before: undefined, ttlMs: undefined })
        return { ...(await begin(keys, question, claim, bounds, limit)), read }
      },
    })),
    caughtBy: [
      'beginning a turn › stores the question and takes the turn',
      'beginning a turn › reads the newest messages, and the question among them',
    ],
  },
  {
    fault: 'tells of ended turns to whoever begins one',
    change: answering(({ begin }, { history }) => ({
      async begin(keys, ...rest) {
        const found = await begin(keys, ...rest)
        const range = { limit: 0, before: undefined, ttlMs: undefined }
        const { meta } = await history.read(keys, range)
        return { ...found, read: { ...found.read, meta } }
      },
    })),
    caughtBy: ['the records of turns › are told to whoever begins another, of those that run'],
  },
  {
    fault: 'tells whoever begins a turn nothing of the summary',
    change: answering(({ begin }) => ({
      async begin(...asked) {
        const { begun, read } = await begin(...asked)
        return { begun, read: { ...read, meta: read.meta && { ...read.meta, summary: undefined } } }
      },
    })),
    caughtBy: [
      'what beginning a turn tells of its session › is what a read tells, where the question is new and where it is there',
    ],
  },
  {
    fault: 'keeps the records of turns in the order in which they began',
    change: recording((turns) => turns.toSorted((one, other) => (one.turn < other.turn ? -1 : 1))),
    caughtBy: [
      'the records of turns › stand in the order in which turns have ended, without their runner, before those that run',
    ],
  },
  {
    fault: 'names who has answered',
    change: recording((turns) => turns.map((each) => ({ ...each, runner: 'r' }))),
    caughtBy: [
      'the records of turns › stand in the order in which turns have ended, without their runner, before those that run',
    ],
  },
  {
    fault: 'keeps the records of turns for an hour',
    change: answering(({ end }) => ({
      end: (keys, hold, answer, bounds, how) =>
        end(keys, hold, answer, bounds, { ...how, keepMs: hourMs }),
    })),
    caughtBy: ['ending a turn › appends the answer and ends the turn'],
  },
]

/** Faults in answers that grow, and their end. */
export const answerMutants: readonly Mutant[] = [
  {
    fault: 'keeps pieces as text',
    change: answering(({ write }) => ({
      write: (keys, hold, batch, times) =>
        write(
          keys,
          hold,
          batch && { ...batch, bytes: Buffer.from(String(Buffer.from(batch.bytes))) },
          times,
        ),
    })),
    caughtBy: ['the pieces of an answer › are bytes, and a copy of them'],
  },
  {
    fault: 'gives all pieces, whichever were asked for',
    change: answering(({ look }) => ({
      look: (keys, asked, _after, watchMs) => look(keys, asked, 0, watchMs),
    })),
    caughtBy: ['the pieces of an answer › are kept in order, and read from behind a number'],
  },
  {
    fault: 'keeps a batch that comes again',
    change: answering(({ write }) => {
      let number = 0
      return {
        write(keys, hold, batch, times) {
          number += 1
          return write(keys, hold, batch && { ...batch, last: number * 100 + batch.last }, times)
        },
      }
    }),
    caughtBy: ['the pieces of an answer › are kept once, also when they are sent twice'],
  },
  {
    fault: 'takes pieces from anybody',
    change: answering(({ write, look }) => ({
      async write(keys, hold, batch, times) {
        const token = (await look(keys, hold.turn, 0, 0)).record?.token ?? hold.token
        return write(keys, { ...hold, token }, batch, times)
      },
    })),
    caughtBy: [
      "a turn that is no longer one's own › takes nothing from another token, nor under another question",
    ],
  },
  {
    fault: 'renews no lease without pieces',
    change: answering(({ write }) => ({
      write: async (keys, hold, batch, times) =>
        batch ? write(keys, hold, batch, times) : 'written',
    })),
    caughtBy: ["a turn that is no longer one's own › takes nothing after its end"],
  },
  {
    fault: 'appends an answer that comes too late',
    change: answering(({ end }, { history }) => ({
      async end(keys, hold, answer, bounds, how) {
        const done = await end(keys, hold, answer, bounds, how)
        if (done.kind === 'lost') await history.append(keys, answer, bounds)
        return done
      },
    })),
    caughtBy: [
      'ending a turn › comes too late with another answer',
      'ending a turn › adds one answer of fifty',
      "a turn that is no longer one's own › takes nothing after its session was removed, and makes none",
    ],
  },
  {
    fault: 'appends an answer in a step of its own, and knows not where it is',
    change: answering(({ end }, { history }) => ({
      async end(keys, hold, answer, bounds, how) {
        const done = await end(keys, hold, [], bounds, how)
        if (done.kind === 'ended') await history.append(keys, answer, bounds)
        return done
      },
    })),
    caughtBy: [
      'beginning a turn › finds the answer where there is one',
      'ending a turn › appends the answer and ends the turn',
    ],
  },
  {
    fault: 'ends a turn of somebody who still answers',
    change: answering(({ end }) => ({
      end: (keys, hold, answer, bounds, { keepMs }) =>
        end(keys, hold, answer, bounds, { lapsed: false, keepMs }),
    })),
    caughtBy: ['ending a turn of somebody else › waits for its lease, then ends it'],
  },
  {
    fault: 'lets the pieces go with the end',
    change: answering(({ end }) => ({
      end: (keys, hold, answer, bounds, how) =>
        end(keys, hold, answer, bounds, { ...how, keepMs: 1 }),
    })),
    caughtBy: ['the pieces of an answer › stay for some time after the end'],
  },
  {
    fault: 'never trims beside a turn',
    change: ({ history }) => ({
      history: {
        ...history,
        append: (keys, entries, bounds) => history.append(keys, entries, { ...bounds, max: 9_999 }),
      },
    }),
    caughtBy: ['trimming beside a turn › moves it to what is kept, where much follows it'],
  },
  {
    fault: 'forgets the question of a long answer',
    change: answering(({ end }, { history }) => ({
      async end(keys, hold, answer, bounds, how) {
        const done = await end(keys, hold, [], { ...bounds, max: 9_999 }, how)
        const users = answer.map((each) => ({ ...each, role: 'u' as const }))
        await history.append(keys, users, bounds)
        return done
      },
    })),
    caughtBy: [
      'trimming beside a turn › keeps the question of an answer that is too long, and says where the rest of that is',
    ],
  },
]

/** Faults in following and stopping turns. */
export const watchMutants: readonly Mutant[] = [
  {
    fault: 'tells of the end too early',
    change: answering(({ watch }) => ({
      watch: (keys, watched, listener) =>
        watch(keys, watched, {
          ended: () => {},
          batch(each) {
            listener.batch(each)
            listener.ended()
          },
        }),
    })),
    caughtBy: ['watching a turn › hears each batch and the end, in order'],
  },
  {
    fault: 'tells of each batch twice',
    change: answering(({ watch }) => ({
      watch: (keys, watched, listener) =>
        watch(keys, watched, {
          ...listener,
          batch(each) {
            listener.batch(each)
            listener.batch(each)
          },
        }),
    })),
    caughtBy: ['watching a turn › hears what is sent twice once'],
  },
  {
    fault: 'keeps no pieces',
    change: answering(({ look }) => ({
      look: async (...asked) => ({ ...(await look(...asked)), batches: [] }),
    })),
    caughtBy: [
      'looking at a turn › finds the newest turn where none is named',
      'the pieces of an answer › are kept in order, and read from behind a number',
    ],
  },
  {
    fault: 'never lets go of those who watch',
    change: answering(({ watch }) => ({
      async watch(...watched) {
        await watch(...watched)
        return async () => {}
      },
    })),
    caughtBy: ['watching a turn › hears of no other turn, and nothing after it has left'],
  },
  {
    fault: 'takes the oldest turn for the newest',
    change: answering(({ look }, { history }) => ({
      async look(keys, asked, after, watchMs) {
        const range = { limit: 0, before: undefined, ttlMs: undefined }
        const [first] = (await history.read(keys, range)).meta?.turns ?? []
        return look(keys, asked ?? first?.turn, after, watchMs)
      },
    })),
    caughtBy: ['looking at a turn › finds the newest turn where none is named'],
  },
  {
    fault: 'stops all turns, whichever was named',
    change: answering(({ stop }) => ({ stop: (keys) => stop(keys, undefined) })),
    caughtBy: ['stopping turns › asks one alone'],
  },
  {
    fault: 'tells everybody to stop',
    change: answering(({ begin, onStop }) => ({
      begin: (keys, question, claim, ...rest) =>
        begin(keys, question, { ...claim, runner: 'all' }, ...rest),
      onStop: (_runner, listener) => onStop('all', listener),
    })),
    caughtBy: ['stopping turns › is heard by whoever answers, with the token, and by nobody else'],
  },
  {
    fault: 'ends what it is asked to stop',
    change: answering(({ stop, end }) => ({
      async stop(keys, asked) {
        const records = await stop(keys, asked)
        const bounds = { ttlMs: 1000, max: 9, keep: 9, ifRev: undefined, title: undefined }
        for (const hold of records)
          await end(keys, hold, [], bounds, { lapsed: false, keepMs: 1000 })
        return records
      },
    })),
    caughtBy: ['stopping turns › ends nothing: whoever answers does'],
  },
]

function answering(change: (sound: Turns, provider: Provider) => Partial<Turns>): Mutant['change'] {
  return (provider) => ({ turns: { ...provider.turns, ...change(provider.turns, provider) } })
}

function recording(
  other: (turns: readonly TurnRecord[]) => readonly TurnRecord[],
): Mutant['change'] {
  return ({ history }) => ({
    history: {
      ...history,
      async read(...asked) {
        const { meta, entries } = await history.read(...asked)
        return { meta: meta && { ...meta, turns: other(meta.turns) }, entries }
      },
    },
  })
}

type Begin = Parameters<Turns['begin']>

function claiming(other: (claim: Begin[2]) => Partial<Begin[2]>): Mutant['change'] {
  return answering(({ begin }) => ({
    begin: (keys, question, claim, ...rest) =>
      begin(keys, question, { ...claim, ...other(claim) }, ...rest),
  }))
}
