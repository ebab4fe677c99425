import type { Provider } from '../../lib/index.ts'
import type { FillPlace, Fills, FillView } from '../../lib/ports/fills.ts'
import { type Mutant, turn } from './mutant.ts'

const hourMs = 3_600_000

/** Faults in who makes an answer. */
export const claimMutants: readonly Mutant[] = [
  {
    fault: 'looks who makes an answer in a step of its own',
    change: filling(({ claim }, { entries }) => {
      const held = new Set<string>()
      return {
        async claim(place, own) {
          const free = !held.has(place.key)
          await turn()
          held.add(place.key)
          return free ? { kind: 'leading', since: await entries.clock() } : claim(place, own)
        },
      }
    }),
    caughtBy: ['claiming a fill › gives it to one of fifty'],
  },
  {
    fault: 'gives each sending of a claim a token of its own',
    change: filling(({ claim }) => {
      let sent = 0
      return {
        claim(place, own) {
          sent += 1
          return claim(place, { ...own, token: `${own.token}-${sent}` })
        },
      }
    }),
    caughtBy: ['claiming a fill › is the same fill when it comes again with its token'],
  },
  {
    fault: 'makes no difference between variants',
    change: filling(({ claim }) => ({ claim: ({ key }, own) => claim({ key, variant: '' }, own) })),
    caughtBy: ['claiming a fill › keeps resources and variants apart'],
  },
  {
    fault: 'does not know when the making began',
    change: since(() => 0),
    caughtBy: [
      'claiming a fill › tells when the making began, by the clock of purges',
      'the end of a fill › lets nobody wait for a while where the answer could not be shared',
    ],
  },
  {
    fault: 'has a clock for fills that is ahead of purges',
    change: since((at) => at + 1_000_000),
    caughtBy: ['claiming a fill › tells when the making began, by the clock of purges'],
  },
  {
    fault: 'believes whoever says that it makes an answer',
    change: filling(({ renew }) => ({
      async renew(...renewed) {
        const said = await renew(...renewed)
        return said === 'lost' ? 'held' : said
      },
    })),
    caughtBy: [
      'claiming a fill › gives a fill away whose lease has run out',
      'a fill that others wait for › is for its own token alone',
      'the end of a fill › is known to those who wait: kept',
    ],
  },
  {
    fault: 'renews for a moment only',
    change: filling(({ renew }) => ({ renew: (place, token) => renew(place, token, 1) })),
    caughtBy: ['claiming a fill › keeps a fill that is renewed, by pieces as well'],
  },
  {
    fault: 'renews nothing with pieces',
    change: filling(({ write }) => ({
      write: (place, token, batch) => write(place, token, batch, 1),
    })),
    caughtBy: ['claiming a fill › keeps a fill that is renewed, by pieces as well'],
  },
  {
    fault: 'leaves something behind for ever',
    change: filling(({ write }, { set }) => ({
      async write(place, ...rest) {
        await set(`${place.key}:left`, Buffer.from('1'), hourMs)
        return write(place, ...rest)
      },
    })),
    caughtBy: [
      'claiming a fill › leaves no lease behind that never ends',
      'the end of a fill › is forgotten after a while',
    ],
  },
]

/** Faults in what those who wait are told. */
export const waitMutants: readonly Mutant[] = [
  {
    fault: 'tells everybody that somebody waits',
    change: filling(({ claim, onWatched }) => ({
      claim: (place, own) => claim(place, { ...own, runner: 'all' }),
      onWatched: (_runner, listener) => onWatched('all', listener),
    })),
    caughtBy: ['a fill that others wait for › is told to whoever makes it, and to nobody else'],
  },
  {
    fault: 'goes on telling who does not listen any more',
    change: filling(({ onWatched }) => ({
      async onWatched(...watched) {
        await onWatched(...watched)
        return async () => {}
      },
    })),
    caughtBy: ['a fill that others wait for › is told to whoever makes it, and to nobody else'],
  },
  {
    fault: 'tells only once that somebody waits',
    change: renewed((said) => (said === 'watched' ? 'held' : said)),
    caughtBy: [
      'a fill that others wait for › is told at the next renewal as well, should the message be lost',
    ],
  },
  {
    fault: 'always says that somebody waits',
    change: renewed((said) => (said === 'held' ? 'watched' : said)),
    caughtBy: [
      'claiming a fill › is the same fill when it comes again with its token',
      'a fill that others wait for › is not waited for by whoever makes it',
    ],
  },
  {
    fault: 'takes pieces and an end from anybody',
    change: byAnybody(),
    caughtBy: [
      'claiming a fill › gives a fill away whose lease has run out',
      'a fill that others wait for › is for its own token alone',
    ],
  },
  {
    fault: 'forgets how a fill has ended',
    change: seeing((view) => (view.state === 'running' ? view : { ...view, state: 'gone' })),
    caughtBy: ['kept', 'refused', 'failed'].map(
      (how) => `the end of a fill › is known to those who wait: ${how}`,
    ),
  },
  {
    fault: 'takes every end for one that is followed by nobody',
    change: filling(({ end }) => ({
      end: (place, token, _how, times) => end(place, token, 'refused', times),
    })),
    caughtBy: ['kept', 'failed'].map(
      (how) => `the end of a fill › is followed at once by the next: ${how}`,
    ),
  },
  {
    fault: 'lets others wait for what cannot be shared',
    change: ending(({ keepMs }) => ({ keepMs, aloneMs: 0 })),
    caughtBy: [
      'the end of a fill › lets nobody wait for a while where the answer could not be shared',
    ],
  },
  {
    fault: 'lets nobody wait for longer than it was told',
    change: ending(({ keepMs }) => ({ keepMs, aloneMs: hourMs })),
    caughtBy: ['the end of a fill › lets the next go ahead at once where that while is nothing'],
  },
]

/** Faults in the pieces of an answer, and in how others follow it. */
export const piecesMutants: readonly Mutant[] = [
  {
    fault: 'holds that every answer is being made',
    change: seeing((view) => ({ ...view, state: 'running' })),
    caughtBy: ['the pieces of a fill › are none of what never was'],
  },
  {
    fault: 'gives all pieces of a fill, whichever were asked for',
    change: filling(({ look }) => ({ look: (place, token) => look(place, token, 0) })),
    caughtBy: ['the pieces of a fill › are kept in order, and read from behind a number'],
  },
  {
    fault: 'keeps a batch of a fill that comes again',
    change: filling(({ write }) => {
      let number = 0
      return {
        write(place, token, batch, leaseMs) {
          number += 100
          return write(place, token, { ...batch, last: number + batch.last }, leaseMs)
        },
      }
    }),
    caughtBy: [
      'the pieces of a fill › are kept once, also when they are sent twice',
      'watching a fill › hears what is sent twice once, and nothing of another token',
    ],
  },
  {
    fault: 'refuses a batch of a fill that comes again',
    change: filling(({ write, look }) => ({
      async write(place, token, batch, leaseMs) {
        const { batches } = await look(place, token, batch.last - 1)
        return batches.length === 0 && write(place, token, batch, leaseMs)
      },
    })),
    caughtBy: ['the pieces of a fill › are kept once, also when they are sent twice'],
  },
  {
    fault: 'keeps pieces of a fill as text',
    change: filling(({ write }) => ({
      write: (place, token, { last, bytes }, leaseMs) =>
        write(place, token, { last, bytes: Buffer.from(String(Buffer.from(bytes))) }, leaseMs),
    })),
    caughtBy: [
      'the pieces of a fill › are bytes, and a copy of them',
      'watching a fill › hears bytes',
    ],
  },
  {
    fault: 'mixes the pieces of one fill with those of the next',
    change: remembering(({ key }) => key),
    caughtBy: ['the pieces of a fill › are those of one fill: the next begins anew'],
  },
  {
    fault: 'keeps an answer of any size',
    change: remembering((_place, token) => token),
    caughtBy: ['the pieces of a fill › are bounded: of a large answer the oldest go'],
  },
  {
    fault: 'tells of every end of a fill that it was kept',
    change: watching((listener) => ({ ...listener, ended: () => listener.ended('kept') })),
    caughtBy: [
      'watching a fill › hears how it has ended: refused',
      'watching a fill › hears how it has ended: failed',
    ],
  },
  {
    fault: 'tells of each batch of a fill twice',
    change: watching((listener) => ({
      ...listener,
      batch(each) {
        listener.batch(each)
        listener.batch(each)
      },
    })),
    caughtBy: [
      'watching a fill › hears each batch and the end, in order',
      'watching a fill › hears what is sent twice once, and nothing of another token',
    ],
  },
  {
    fault: 'gives those who look none of the pieces',
    change: seeing((view) => ({ ...view, batches: [] })),
    caughtBy: ['the pieces of a fill › are kept in order, and read from behind a number'],
  },
  {
    fault: 'loses a batch of a fill now and then',
    change: watching((listener) => ({
      ...listener,
      batch: (each) => void (each.last % 10 === 0 || listener.batch(each)),
    })),
    caughtBy: ['watching a fill › misses nothing when it watches first and then looks'],
  },
  {
    fault: 'never lets go of those who watch a fill',
    change: filling(({ watch }) => ({
      async watch(...watched) {
        await watch(...watched)
        return async () => {}
      },
    })),
    caughtBy: ['watching a fill › hears of no other fill, and nothing after it has left'],
  },
]

function filling(change: (sound: Fills, provider: Provider) => Partial<Fills>): Mutant['change'] {
  return (provider) => ({ fills: { ...provider.fills, ...change(provider.fills, provider) } })
}

function since(other: (at: number) => number): Mutant['change'] {
  return filling(({ claim }) => ({
    async claim(...claimed) {
      const found = await claim(...claimed)
      return { ...found, since: other(found.since) }
    },
  }))
}

type Renewed = Awaited<ReturnType<Fills['renew']>>

function renewed(other: (said: Renewed) => Renewed): Mutant['change'] {
  return filling(({ renew }) => ({ renew: async (...args) => other(await renew(...args)) }))
}

function seeing(other: (view: FillView) => FillView): Mutant['change'] {
  return filling(({ look }) => ({ look: async (...args) => other(await look(...args)) }))
}

type Times = Parameters<Fills['end']>[3]

function ending(other: (times: Times) => Times): Mutant['change'] {
  return filling(({ end }) => ({
    end: (place, token, how, times) => end(place, token, how, other(times)),
  }))
}

type Listener = Parameters<Fills['watch']>[2]

function watching(other: (listener: Listener) => Listener): Mutant['change'] {
  return filling(({ watch }) => ({
    watch: (place, token, listener) => watch(place, token, other(listener)),
  }))
}

/** Remembers who makes each answer, and writes in their name. */
function byAnybody(): Mutant['change'] {
  return filling(({ claim, write, end }) => {
    const makers = new Map<string, string>()
    const maker = ({ key }: FillPlace, token: string) => makers.get(key) ?? token
    return {
      async claim(place, own) {
        const found = await claim(place, own)
        if (found.kind === 'leading') makers.set(place.key, own.token)
        return found
      },
      write: (place, token, batch, leaseMs) => write(place, maker(place, token), batch, leaseMs),
      end: (place, token, how, times) => end(place, maker(place, token), how, times),
    }
  })
}

/** Keeps all pieces beside the provider, under a name. */
function remembering(nameOf: (place: FillPlace, token: string) => string): Mutant['change'] {
  return filling(({ write, look }) => {
    const kept = new Map<string, { last: number; bytes: Buffer }[]>()
    return {
      write(place, token, batch, leaseMs) {
        const name = nameOf(place, token)
        const own = { last: batch.last, bytes: Buffer.from(batch.bytes) }
        kept.set(name, [...(kept.get(name) ?? []), own])
        return write(place, token, batch, leaseMs)
      },
      async look(place, token, after) {
        const batches = kept.get(nameOf(place, token)) ?? []
        return { ...(await look(place, token, after)), batches }
      },
    }
  })
}
