import type { Entries } from '../../lib/index.ts'
import type { Mutant } from './mutant.ts'

/** Faults in cached responses. */
export const entriesMutants: readonly Mutant[] = [
  {
    fault: 'gives any variant for the one asked for',
    change: ({ entries }) => {
      const kept = new Map<string, string>()
      return {
        entries: {
          ...entries,
          keep(key, variant) {
            kept.set(key, variant.variant)
            return entries.keep(key, variant)
          },
          find: (key, variant, marks) => entries.find(key, kept.get(key) ?? variant, marks),
        },
      }
    },
    caughtBy: [
      'variants of a cached response › finds the variant asked for, and what the resource varies by',
    ],
  },
  {
    fault: 'forgets what a resource varies by',
    change: finding(async (found) => ({ ...found, vary: [] })),
    caughtBy: [
      'variants of a cached response › finds the variant asked for, and what the resource varies by',
    ],
  },
  {
    fault: 'gives null for an absent entry',
    change: finding(async ({ entry = null, ...rest }) => ({ ...rest, entry: entry as never })),
    caughtBy: ['cached responses › finds nothing where nothing was kept'],
  },
  {
    fault: 'gives no entry for an empty body',
    change: finding(async ({ entry, ...rest }) => ({
      ...rest,
      entry: entry?.body.length ? entry : undefined,
    })),
    caughtBy: ['cached responses › keeps an empty body'],
  },
  {
    fault: 'keeps bodies as text',
    change: keeping(({ entry, ...rest }) => ({
      ...rest,
      entry: { ...entry, body: Buffer.from(String(entry.body)) },
    })),
    caughtBy: ['cached responses › finds head and body as their bytes'],
  },
  {
    fault: 'keeps each entry for ever',
    change: keeping((variant) => ({ ...variant, ttlMs: 1e12 })),
    caughtBy: ['keys of every kind › are there, end, and are found by pattern'],
  },
  {
    fault: 'keeps any number of variants',
    change: keeping((variant) => ({ ...variant, maxVariants: 1000 })),
    caughtBy: [
      'variants of a cached response › drops the variant that ends first when there are too many',
      'variants of a cached response › keeps the newest variant, even if that ends first',
    ],
  },
  {
    fault: 'keeps one variant fewer than it may',
    change: keeping((variant) => ({ ...variant, maxVariants: variant.maxVariants - 1 })),
    caughtBy: [
      'variants of a cached response › drops the variant that ends first when there are too many',
      'variants of a cached response › does not drop another variant for one that is replaced',
    ],
  },
  {
    fault: 'drops nothing',
    change: ({ entries }) => ({ entries: { ...entries, drop: async () => {} } }),
    caughtBy: [
      'cached responses › drops a resource',
      'variants of a cached response › drops a resource with all its variants',
    ],
  },
  {
    fault: 'writes over what another port keeps',
    change: (sound) => ({
      entries: {
        ...sound.entries,
        async keep(key, variant) {
          return sound.entries.keep(key, variant).catch(async () => {
            await sound.delete([key])
            return sound.entries.keep(key, variant)
          })
        },
      },
    }),
    caughtBy: ['cached responses › takes a value under its key for corrupt'],
  },
]

type Found = Awaited<ReturnType<Entries['find']>>

function finding(change: (found: Found) => Promise<Found>): Mutant['change'] {
  return ({ entries }) => ({
    entries: { ...entries, find: async (...args) => change(await entries.find(...args)) },
  })
}

function keeping(
  change: (variant: Parameters<Entries['keep']>[1]) => Parameters<Entries['keep']>[1],
): Mutant['change'] {
  return ({ entries }) => ({
    entries: { ...entries, keep: (key, variant) => entries.keep(key, change(variant)) },
  })
}
