import type { Mutant } from './mutant.ts'

/** Faults in patterns and batches, and in the life of a provider. */
export const restMutants: readonly Mutant[] = [
  {
    fault: 'takes an escaped sign in a pattern for what it means',
    change: (sound) => ({ keys: (pattern) => sound.keys(pattern.replaceAll('\\', '')) }),
    caughtBy: [
      'patterns › finds each matching key once',
      'patterns › finds hostile keys by their escaped names',
    ],
  },
  {
    fault: 'finds a key as often as a scan gives it',
    change: (sound) => ({
      keys: async (pattern) => (await sound.keys(pattern)).flatMap((key) => [key, key]),
    }),
    caughtBy: ['patterns › finds each matching key once'],
  },
  {
    fault: 'knows stars and nothing else in a pattern',
    change: (sound) => ({
      keys: (pattern) => sound.keys(pattern.replace(/\[.*?\]|\?/g, '*')),
    }),
    caughtBy: ['patterns › finds each matching key once'],
  },
  {
    fault: 'removes what the first page of a scan gives',
    change: (sound) => ({
      deletePattern: async (pattern) => sound.delete((await sound.keys(pattern)).slice(0, 100)),
    }),
    caughtBy: ['patterns › removes what matches, and nothing else'],
  },
  {
    fault: 'removes everything',
    change: (sound) => ({ deletePattern: () => sound.deletePattern('*') }),
    caughtBy: ['patterns › removes what matches, and nothing else'],
  },
  {
    fault: 'gives the results of a batch as they come',
    change: (sound) => ({
      batch: async (commands) => (await sound.batch(commands)).toReversed(),
    }),
    caughtBy: [
      'batches › gives one result a command, each as the command gives it alone, in order',
    ],
  },
  {
    fault: 'fails a batch for one command',
    change: (sound) => ({
      async batch(commands) {
        const replies = await sound.batch(commands)
        for (const reply of replies) if (reply instanceof Error) throw reply
        return replies
      },
    }),
    caughtBy: ['batches › puts an error in its place, and goes on'],
  },
  {
    fault: 'leaves out of a batch what has no result',
    change: (sound) => ({
      batch: async (commands) =>
        (await sound.batch(commands)).filter((reply) => reply !== undefined),
    }),
    caughtBy: [
      'batches › gives one result a command, each as the command gives it alone, in order',
    ],
  },
  {
    fault: 'is made of errors of another kind',
    change: (sound) => ({
      get: (key) =>
        sound.get(key).catch(() => {
          throw new Error('WRONGTYPE')
        }),
    }),
    caughtBy: ['a session that is not as it was left › is no value and no number'],
  },
  {
    fault: 'has the name of a class',
    change: () => ({ name: 'MyProvider' }),
    caughtBy: ['its life › has a name'],
  },
  {
    fault: 'can be closed once only',
    change: () => {
      let closed = false
      return {
        async close() {
          if (closed) throw new Error('Connection is closed')
          closed = true
        },
      }
    },
    caughtBy: ['its life › ends once, however often it is closed'],
  },
]
