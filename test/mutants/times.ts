import { type Mutant, turn } from './mutant.ts'

const second = 1000

/** Faults in times to live and counters. */
export const timesMutants: readonly Mutant[] = [
  {
    fault: 'tells the time left in seconds',
    change: (sound) => ({
      async ttl(key) {
        const leftMs = await sound.ttl(key)
        return leftMs && leftMs / second
      },
    }),
    caughtBy: [
      'times to live › tells the time left, Infinity for ever, undefined for an absent key',
      'times to live › sets a time to live anew',
    ],
  },
  {
    fault: 'takes a time to live for seconds',
    change: (sound) => ({
      set: (key, value, ttlMs) => sound.set(key, value, ttlMs && ttlMs * second),
    }),
    caughtBy: [
      'times to live › tells the time left, Infinity for ever, undefined for an absent key',
    ],
  },
  {
    fault: 'tells -1 and -2 as Redis does',
    change: (sound) => ({
      async ttl(key) {
        const leftMs = (await sound.ttl(key)) ?? -2
        return leftMs === Number.POSITIVE_INFINITY ? -1 : leftMs
      },
    }),
    caughtBy: [
      'times to live › tells the time left, Infinity for ever, undefined for an absent key',
    ],
  },
  {
    fault: 'leaves the old time to live when a value is replaced',
    change: (sound) => ({
      async set(key, value, ttlMs) {
        await sound.set(key, value, ttlMs ?? (await sound.ttl(key)))
      },
    }),
    caughtBy: ['times to live › replaces the time to live with the value'],
  },
  {
    fault: 'drops a key that is to expire later',
    change: (sound) => ({ expire: async (key) => (await sound.delete([key])) > 0 }),
    caughtBy: ['times to live › sets a time to live anew'],
  },
  {
    fault: 'says that an absent key will expire',
    change: (sound) => ({ expire: async (...args) => (await sound.expire(...args)) || true }),
    caughtBy: ['times to live › says that an absent key cannot expire'],
  },
  {
    fault: 'leaves a key that is to expire now',
    change: (sound) => ({ expire: (key, ttlMs) => sound.expire(key, ttlMs || 60_000) }),
    caughtBy: ['times to live › removes a key that is to expire now'],
  },
  {
    fault: 'reads and writes a counter in two steps',
    change: counting((text) => Number(text)),
    caughtBy: ['counters › loses none of many at once'],
  },
  {
    fault: 'gives a sum as text',
    change: (sound) => ({ incr: async (...args) => String(await sound.incr(...args)) as never }),
    caughtBy: ['counters › adds, from 0, and gives the sum'],
  },
  {
    fault: 'forgets the time to live of a counter',
    change: counting((text) => Number(text)),
    caughtBy: ['counters › adds to a number that was set as text, and leaves its time to live'],
  },
  {
    fault: 'adds to whatever begins like a number',
    change: counting((text) => Number.parseInt(text, 10)),
    caughtBy: ['counters › refuses to add to "1.5", which stays'],
  },
  {
    fault: 'begins a counter with its first step left out',
    change: (sound) => ({
      incr: async (key, by) => ((await sound.exists([key])) ? sound.incr(key, by) : 0),
    }),
    caughtBy: ['counters › adds, from 0, and gives the sum'],
  },
]

function counting(read: (text: string) => number): Mutant['change'] {
  return (sound) => ({
    async incr(key, by) {
      const sum = read(String((await sound.get(key)) ?? '0')) + by
      await turn()
      await sound.set(key, Buffer.from(String(sum)), undefined)
      return sum
    },
  })
}
