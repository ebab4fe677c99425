import type { Provider } from '../../lib/index.ts'
import type { Mutant } from './mutant.ts'

/** Faults in single values, and in several at once. */
export const valuesMutants: readonly Mutant[] = [
  {
    fault: 'gives null for an absent value',
    change: (sound) => ({ get: async (key) => (await sound.get(key)) ?? (null as never) }),
    caughtBy: ['values › gives undefined for a key that is absent'],
  },
  {
    fault: 'gives text for bytes',
    change: (sound) => ({ get: async (key) => String(await sound.get(key)) as never }),
    caughtBy: ['values › gives back the bytes that were set', 'values › keeps an empty value'],
  },
  {
    fault: 'gives a plain array of bytes for a buffer',
    change: (sound) => ({
      get: async (key) => new Uint8Array((await sound.get(key)) ?? []) as never,
    }),
    caughtBy: ['values › gives back the bytes that were set'],
  },
  {
    fault: 'keeps values as text',
    change: (sound) => ({
      set: (key, value, ttlMs) => sound.set(key, Buffer.from(String(Buffer.from(value))), ttlMs),
    }),
    caughtBy: ['values › gives back the bytes that were set'],
  },
  {
    fault: 'keeps the text of a buffer that hides it',
    change: (sound) => ({
      set: (key, value, ttlMs) => sound.set(key, Buffer.from(value.toString()), ttlMs),
    }),
    caughtBy: ['values › keeps the bytes of a buffer that hides its text'],
  },
  {
    fault: 'keeps the array that was handed in',
    change: () => aliasing(),
    caughtBy: [
      'values › keeps a copy: a later change of what was handed in or out changes nothing',
    ],
  },
  {
    fault: 'keeps the whole array of which a piece was handed in',
    change: (sound) => ({
      set: (key, value, ttlMs) => sound.set(key, new Uint8Array(value.buffer), ttlMs),
    }),
    caughtBy: ['values › takes a piece of a larger array for what it is'],
  },
  ...[
    ['lower case', (key: string) => key.toLowerCase()],
    ['one form of Unicode', (key: string) => key.normalize()],
    ['what stands before a zero byte', (key: string) => key.replace(/(?<=.)\0.*/, '')],
  ].map(([form, write]) => ({
    fault: `keeps of each key only ${form}`,
    change: renaming(write as (key: string) => string),
    caughtBy: ['values › keeps each hostile key apart from all others'],
  })),
  {
    fault: 'gives several values in the order of their keys',
    change: (sound) => ({ mget: (keys) => sound.mget(keys.toSorted().toReversed()) }),
    caughtBy: ['several values › gives one element a key, in their order'],
  },
  {
    fault: 'leaves absent values out of several',
    change: (sound) => ({
      mget: async (keys) => (await sound.mget(keys)).filter((value) => value !== undefined),
    }),
    caughtBy: ['several values › gives one element a key, in their order'],
  },
  {
    fault: 'counts deleted keys that were not there',
    change: (sound) => ({
      delete: async (keys) => {
        await sound.delete(keys)
        return keys.length
      },
    }),
    caughtBy: [
      'several values › counts a key once when it is deleted, and as often as it is named when it is there',
      'times to live › forgets a value after its time to live',
    ],
  },
  {
    fault: 'counts a key that is named twice once',
    change: (sound) => ({ exists: (keys) => sound.exists([...new Set(keys)]) }),
    caughtBy: [
      'several values › counts a key once when it is deleted, and as often as it is named when it is there',
    ],
  },
  {
    fault: 'forgets the time to live of several values',
    change: (sound) => ({ mset: (values) => sound.mset(values, undefined) }),
    caughtBy: ['several values › sets several at once, with one time to live'],
  },
  {
    fault: 'sets the first of several values',
    change: (sound) => ({
      mset: (values, ttlMs) => sound.mset(new Map([...values].slice(0, 1)), ttlMs),
    }),
    caughtBy: ['several values › sets several at once, with one time to live'],
  },
  {
    fault: 'cannot look for no keys',
    change: (sound) => ({
      mget: async (keys) => {
        if (keys.length === 0) throw new Error('wrong number of arguments')
        return sound.mget(keys)
      },
    }),
    caughtBy: ['several values › has nothing to do for no keys'],
  },
]

function aliasing(): Partial<Provider> {
  const values = new Map<string, Buffer>()
  return {
    async set(key, value) {
      values.set(key, value as Buffer)
    },
    get: async (key) => values.get(key),
  }
}

function renaming(write: (key: string) => string): Mutant['change'] {
  return (sound) => ({
    get: (key) => sound.get(write(key)),
    set: (key, value, ttlMs) => sound.set(write(key), value, ttlMs),
  })
}
