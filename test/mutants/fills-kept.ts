import type { Provider } from '../../lib/index.ts'
import type { Fills, SeenPlace } from '../../lib/ports/fills.ts'
import type { Mutant } from './mutant.ts'

const group = 'claiming a fill after a look'

/** Faults in what whoever claims is told of what was kept since it looked. */
export const keptMutants: readonly Mutant[] = [
  {
    fault: 'gives a fill away whatever was kept since the look',
    change: seeing(() => undefined),
    caughtBy: [
      `${group} › is told that an answer was kept since, and takes nothing`,
      `${group} › is told so of what nobody had claimed`,
      `${group} › is told by the clock of purges, and tells nobody`,
      `${group} › is told so also where another makes the next, or the last could not be shared`,
    ],
  },
  {
    fault: 'sees news only where there was nothing',
    change: seeing((seen) => (seen.head === undefined ? seen : undefined)),
    caughtBy: [
      `${group} › is told of another answer in the place of the one it saw`,
      `${group} › is told of a head that was written anew`,
    ],
  },
  {
    fault: 'takes for news what was there when somebody looked',
    change: seeing((seen) => ({ ...seen, head: undefined })),
    caughtBy: [
      `${group} › leads where what it saw still stands there`,
      `${group} › is told of its own variant, and of no other`,
    ],
  },
  {
    fault: 'takes for news that something is gone',
    change: claiming(({ claim }, { entries }) => ({
      async claim(place, own) {
        const { variant = '', head } = own.seen ?? {}
        const { entry } = await entries.find(place.key, variant, [])
        if (head && !entry) return { kind: 'kept', since: await entries.clock() }
        return claim(place, own)
      },
    })),
    caughtBy: [`${group} › leads where what it saw is gone`],
  },
  {
    fault: 'takes for news what is kept under any variant',
    change: claiming(({ claim }, { entries }) => ({
      async claim(place, own) {
        const { vary } = await entries.find(place.key, '', [])
        const isNews = own.seen && own.seen.head === undefined && vary.length > 0
        return isNews ? { kind: 'kept', since: await entries.clock() } : claim(place, own)
      },
    })),
    caughtBy: [`${group} › is told of its own variant, and of no other`],
  },
  {
    fault: 'looks for news without a variant',
    change: seeing((seen) => ({ ...seen, variant: '' })),
    caughtBy: [`${group} › is told of its own variant, and of no other`],
  },
  {
    fault: 'does not see that a resource varies by something else',
    change: claiming(({ claim }, { entries }) => ({
      async claim(place, { seen, ...own }) {
        const { vary } = await entries.find(place.key, '', [])
        return claim(place, { ...own, seen: seen && { ...seen, vary } })
      },
    })),
    caughtBy: [`${group} › is told that the resource varies by now, or by more, or no more`],
  },
  {
    fault: 'takes a fill, or tells who has it, though there is news',
    change: claiming(({ claim }) => ({
      async claim(place, own) {
        const found = await claim(place, own)
        if (found.kind === 'kept') await claim(place, { ...own, seen: undefined })
        return found
      },
    })),
    caughtBy: [
      `${group} › is told that an answer was kept since, and takes nothing`,
      `${group} › is told by the clock of purges, and tells nobody`,
    ],
  },
  {
    fault: 'has news for whoever has taken the fill',
    change: claiming(({ claim }, { entries }) => ({
      async claim(place, own) {
        const { entry } = await entries.find(place.key, '', [])
        const isNews = entry && own.seen && own.seen.head === undefined
        return isNews ? { kind: 'kept', since: await entries.clock() } : claim(place, own)
      },
    })),
    caughtBy: [`${group} › leads all the same where it comes again with its token`],
  },
  {
    fault: 'has no news where the last answer could not be shared',
    change: (provider) => {
      const alone = new Set<string>()
      const { claim, end } = provider.fills
      const fills: Fills = {
        ...provider.fills,
        claim: (place, own) =>
          claim(place, alone.has(place.key) ? { ...own, seen: undefined } : own),
        async end(place, token, how, times) {
          if (how === 'refused') alone.add(place.key)
          return end(place, token, how, times)
        },
      }
      return { fills }
    },
    caughtBy: [
      `${group} › is told so also where another makes the next, or the last could not be shared`,
    ],
  },
]

function claiming(
  change: (sound: Fills, provider: Provider) => Pick<Fills, 'claim'>,
): Mutant['change'] {
  return (provider) => ({ fills: { ...provider.fills, ...change(provider.fills, provider) } })
}

function seeing(other: (seen: SeenPlace) => SeenPlace | undefined): Mutant['change'] {
  return claiming(({ claim }) => ({
    claim: (place, own) => claim(place, { ...own, seen: own.seen && other(own.seen) }),
  }))
}
