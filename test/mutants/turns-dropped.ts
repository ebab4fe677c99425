import type { Provider } from '../../lib/ports/provider.ts'
import type { Turns } from '../../lib/ports/turns.ts'
import type { Mutant } from './mutant.ts'

/** Faults in what becomes of turns whose question, or session, goes. */
export const turnsDroppedMutants: readonly Mutant[] = [
  {
    fault: 'tells who is to stop by the turn, not by the token',
    change: ({ turns }) => ({
      turns: {
        ...turns,
        onStop: (runner, listener) => turns.onStop(runner, () => listener('q2')),
      },
    }),
    caughtBy: [
      'turns whose question goes › are told to stop by a rewind, and end',
      'turns whose question goes › are told to stop by a removal, and end',
    ],
  },
  {
    fault: 'stops all turns when it rewinds',
    change: ({ history, turns }) => ({
      history: {
        ...history,
        async rewind(keys, ...rest) {
          await turns.stop(keys, undefined)
          return history.rewind(keys, ...rest)
        },
      },
    }),
    caughtBy: ['turns whose question goes › do not take others along'],
  },
  {
    fault: 'knows an answer that went',
    change: remembering,
    caughtBy: [
      'an answer that goes › leaves its question to be answered again',
      'an answer that goes › in part is as long as what is left',
    ],
  },
  {
    fault: 'copies turns',
    change: ({ history }) => {
      const copies = new Map<string, string>()
      return {
        history: {
          ...history,
          fork(from, to, ...rest) {
            copies.set(to.session, from.session)
            return history.fork(from, to, ...rest)
          },
          async read(keys, range) {
            const found = await history.read(keys, range)
            const from = copies.get(keys.session)
            if (from === undefined || found.meta === undefined) return found
            const turns = [
              { turn: 'q', token: 't', runner: 'r', state: 'running', until: 0 },
            ] as const
            return { ...found, meta: { ...found.meta, turns } }
          },
        },
      }
    },
    caughtBy: ['turns of a session that is copied › stay with it'],
  },
]

type Begun = Awaited<ReturnType<Turns['begin']>>

/** Where the answer to a question was found once, or was put, it is always found. */
function remembering({ turns }: Provider): Partial<Provider> {
  const answers = new Map<string, Begun['begun']>()
  return {
    turns: {
      ...turns,
      async begin(keys, question, ...rest) {
        const done = await turns.begin(keys, question, ...rest)
        return { ...done, begun: answers.get(keys.session + question.id) ?? done.begun }
      },
      async end(keys, hold, answer, ...rest) {
        const ended = await turns.end(keys, hold, answer, ...rest)
        if (ended.kind === 'ended')
          answers.set(keys.session + hold.turn, {
            kind: 'answered',
            first: ended.seq - answer.length + 1,
            count: answer.length,
          })
        return ended
      },
    },
  }
}
