import type { Provider } from '../../lib/index.ts'
import type { Entries } from '../../lib/ports/entries.ts'
import type { Mutant } from './mutant.ts'

const hourMs = 3_600_000

/** Faults in purges by mark. */
export const purgesMutants: readonly Mutant[] = [
  {
    fault: 'holds that everything was purged once',
    change: telling((purge) => ({ ...purge, soft: Math.max(1, purge.soft) })),
    caughtBy: ['purges of marks › are none at first'],
  },
  {
    fault: 'tells of purges in the order of the alphabet',
    change: entries(({ purges }) => ({ purges: (marks) => purges([...marks].sort().reverse()) })),
    caughtBy: [
      'purges of marks › are told in the order of the marks, with an entry and by themselves',
    ],
  },
  {
    fault: 'tells of no purges with an entry',
    change: entries(({ find }) => ({
      async find(key, variant, marks) {
        const found = await find(key, variant, marks)
        return { ...found, purges: marks.map(() => ({ hard: 0, soft: 0 })) }
      },
    })),
    caughtBy: [
      'purges of marks › are told in the order of the marks, with an entry and by themselves',
    ],
  },
  {
    fault: 'purges one mark of several',
    change: entries(({ purge }) => ({ purge: (marks, soft) => purge(marks.slice(0, 1), soft) })),
    caughtBy: ['purges of marks › purge several marks, and no others'],
  },
  {
    fault: 'purges all marks at once',
    change: entries(({ purge, purges }) => ({
      purge: (_marks, soft) => purge(['all'], soft),
      purges: (marks) => purges(marks.map(() => 'all')),
    })),
    caughtBy: ['purges of marks › purge several marks, and no others'],
  },
  {
    fault: 'purges softly where it should do so hard',
    change: entries(({ purge }) => ({ purge: (marks) => purge(marks, true) })),
    caughtBy: [
      'purges of marks › are told in the order of the marks, with an entry and by themselves',
      'purges of marks › leave an earlier purge of the other kind as it is',
    ],
  },
  {
    fault: 'forgets a hard purge for a soft one',
    change: entries(({ purge, purges }) => {
      const softly = new Set<string>()
      return {
        async purge(marks, soft) {
          for (const mark of marks) soft ? softly.add(mark) : softly.delete(mark)
          await purge(marks, soft)
        },
        async purges(marks) {
          const found = await purges(marks)
          return found.map((each, at) =>
            softly.has(marks[at] as string) ? { ...each, hard: 0 } : each,
          )
        },
      }
    }),
    caughtBy: ['purges of marks › leave an earlier purge of the other kind as it is'],
  },
  {
    fault: 'removes what it purges',
    change: entries(({ keep, purge, drop }) => {
      const keys: string[] = []
      return {
        keep(key, variant) {
          keys.push(key)
          return keep(key, variant)
        },
        async purge(marks, soft) {
          await purge(marks, soft)
          for (const key of keys) await drop(key)
        },
      }
    }),
    caughtBy: ['purges of marks › touch no entry'],
  },
  {
    fault: 'has a clock that is ahead of its purges',
    change: entries(({ clock }) => ({ clock: async () => (await clock()) + 1_000_000 })),
    caughtBy: ['purges of marks › hit all that began before them'],
  },
  {
    fault: 'purges what begins in the next hour',
    change: telling(({ hard, soft }) => ({ hard: hard + 1000 * hourMs, soft })),
    caughtBy: ['purges of marks › hit nothing that begins a moment later'],
  },
  {
    fault: 'tells milliseconds',
    change: entries(({ clock }) => ({ clock: async () => Math.floor((await clock()) / 1000) })),
    caughtBy: ['purges of marks › are told in microseconds'],
  },
  {
    fault: 'has a clock that counts calls',
    change: entries(() => {
      let at = Date.now() * 1000
      return { clock: async () => ++at }
    }),
    caughtBy: ['purges of marks › are told in microseconds'],
  },
]

/** Faults in changes of heads, and in keeping what a fill has made. */
export const amendingEntriesMutants: readonly Mutant[] = [
  {
    fault: 'amends what is not there',
    change: entries(({ amend, keep }) => ({
      async amend(key, variant, head, ttlMs) {
        if (await amend(key, variant, head, ttlMs)) return true
        const entry = { head, body: Buffer.from('none') }
        return keep(key, { vary: [], variant, entry, ttlMs, maxVariants: 8 })
      },
    })),
    caughtBy: ['amending a cached response › changes nothing where nothing is'],
  },
  {
    fault: 'amends nothing',
    change: entries(() => ({ amend: async () => true })),
    caughtBy: [
      'amending a cached response › replaces the head alone, of what does not vary',
      'amending a cached response › replaces the head alone, of one variant',
    ],
  },
  {
    fault: 'amends the body away',
    change: entries(({ find, keep }) => ({
      async amend(key, variant, head, ttlMs) {
        const { vary } = await find(key, variant, [])
        const entry = { head, body: Buffer.alloc(0) }
        return keep(key, { vary, variant, entry, ttlMs, maxVariants: 8 })
      },
    })),
    caughtBy: [
      'amending a cached response › replaces the head alone, of what does not vary',
      'amending a cached response › replaces the head alone, of one variant',
    ],
  },
  {
    fault: 'amends without another time to live',
    change: entries(({ amend }) => ({
      amend: (key, variant, head) => amend(key, variant, head, 30_000),
    })),
    caughtBy: [
      'amending a cached response › lets what does not vary live on, or end earlier',
      'amending a cached response › lets a variant live on, or end earlier',
      'amending a cached response › renews the place of a variant among the others',
    ],
  },
  {
    fault: 'keeps whatever a fill has made that is lost',
    change: entries(({ keep }) => ({
      keep: (key, { fill: _, ...variant }) => keep(key, variant),
    })),
    caughtBy: [
      "keeping the answer of a fill › keeps nothing where the fill is somebody else's by now",
    ],
  },
  {
    fault: 'keeps nothing once the fill is over',
    change: entries(({ keep }, { fills }) => ({
      async keep(key, variant) {
        const { fill } = variant
        const renewed =
          fill && (await fills.renew({ key, variant: fill.variant }, fill.token, 9_000))
        return renewed === 'lost' ? false : keep(key, variant)
      },
    })),
    caughtBy: [
      'keeping the answer of a fill › keeps it while the fill is its own, and where nobody has it',
    ],
  },
]

function entries(
  change: (sound: Entries, provider: Provider) => Partial<Entries>,
): Mutant['change'] {
  return (provider) => ({
    entries: { ...provider.entries, ...change(provider.entries, provider) },
  })
}

type Purge = Awaited<ReturnType<Entries['purges']>>[number]

function telling(change: (purge: Purge) => Purge): Mutant['change'] {
  return entries(({ purges }) => ({
    purges: async (marks) => (await purges(marks)).map(change),
  }))
}
