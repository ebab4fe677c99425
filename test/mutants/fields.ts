import type { FieldKeys, Fields } from '../../lib/ports/fields.ts'
import { type Mutant, turn } from './mutant.ts'

/** Faults in named values. */
export const fieldsMutants: readonly Mutant[] = [
  {
    fault: 'deletes no field',
    change: writing((changes) => new Map([...changes].filter(([, value]) => value !== undefined))),
    caughtBy: ['named values › change one by one, and are deleted one by one'],
  },
  {
    fault: 'replaces all fields by those written',
    change: ({ fields }) => ({
      fields: {
        ...fields,
        async write(keys, changes, bounds) {
          const there = await fields.read(keys, undefined, undefined)
          const gone = [...there.keys()].map((name): [string, undefined] => [name, undefined])
          return fields.write(keys, new Map([...gone, ...changes]), bounds)
        },
      },
    }),
    caughtBy: ['named values › change one by one, and are deleted one by one'],
  },
  {
    fault: 'reads all fields, whichever are asked for',
    change: ({ fields }) => ({
      fields: { ...fields, read: (keys, _, ttlMs) => fields.read(keys, undefined, ttlMs) },
    }),
    caughtBy: ['named values › are read by name, absent ones left out'],
  },
  {
    fault: 'keeps fields as text',
    change: writing(
      (changes) =>
        new Map(
          [...changes].map(([name, value]) => [
            name,
            value && Buffer.from(Buffer.from(value).toString()),
          ]),
        ),
    ),
    caughtBy: ['named values › are any bytes under any name'],
  },
  {
    fault: 'keeps fields as members of an object',
    change: writing((changes) => {
      const object: Record<string, Uint8Array | undefined> = {}
      for (const [name, value] of changes) object[name] = value
      return new Map(Object.entries(object))
    }),
    caughtBy: ['named values › are any bytes under any name'],
  },
  {
    fault: 'writes whatever was expected',
    change: bounding(() => ({ expected: new Map() })),
    caughtBy: ['named values › are written only while they are as expected, all or none'],
  },
  {
    fault: 'looks at what was expected in a step of its own',
    change: ({ fields }) => ({
      fields: {
        ...fields,
        async write(keys, changes, bounds) {
          const there = await fields.read(keys, undefined, undefined)
          for (const [name, bytes] of bounds.expected)
            if (String(there.get(name)) !== String(bytes && Buffer.from(bytes)))
              return { kind: 'changed' }
          await turn()
          return fields.write(keys, changes, { ...bounds, expected: new Map() })
        },
      },
    }),
    caughtBy: ['named values › let one of many that expect the same through'],
  },
  {
    fault: 'keeps any number of fields',
    change: bounding(() => ({ max: 1_000_000 })),
    caughtBy: ['named values › are no more than so many'],
  },
  {
    fault: 'counts the fields that are replaced as more',
    change: ({ fields }) => ({
      fields: {
        ...fields,
        async write(keys, changes, bounds) {
          const there = await fields.read(keys, undefined, undefined)
          if (there.size + changes.size > bounds.max && there.size > 0) return { kind: 'full' }
          return fields.write(keys, changes, bounds)
        },
      },
    }),
    caughtBy: ['named values › are no more than so many'],
  },
  {
    fault: 'makes no session of a state',
    change: placing((keys) => ({ ...keys, session: undefined })),
    caughtBy: [
      "a session's state › makes the session where there is none",
      "a session's state › counts as activity of the session, and leaves its revision",
      "a session's state › goes with the session",
      "a session's state › is not written under the seal of another",
    ],
  },
  {
    fault: 'renews fields whenever they are read',
    change: ({ fields }) => ({
      fields: {
        ...fields,
        read: (keys, names, ttlMs = 600_000) => fields.read(keys, names, ttlMs),
      },
    }),
    caughtBy: [
      "a session's state › is left by a read without a time to live, and renewed with one",
      "a user's preferences › are renewed by a write, and by a read that asks for it; else they stay for good",
    ],
  },
  {
    fault: 'renews no fields',
    change: ({ fields }) => ({
      fields: { ...fields, read: (keys, names) => fields.read(keys, names, undefined) },
    }),
    caughtBy: [
      "a session's state › is left by a read without a time to live, and renewed with one",
      "a user's preferences › are renewed by a write, and by a read that asks for it; else they stay for good",
    ],
  },
]

type Write = Parameters<Fields['write']>

function writing(change: (changes: Write[1]) => Write[1]): Mutant['change'] {
  return ({ fields }) => ({
    fields: {
      ...fields,
      write: (keys, changes, bounds) => fields.write(keys, change(changes), bounds),
    },
  })
}

function bounding(other: () => Partial<Write[2]>): Mutant['change'] {
  return ({ fields }) => ({
    fields: {
      ...fields,
      write: (keys, changes, bounds) => fields.write(keys, changes, { ...bounds, ...other() }),
    },
  })
}

function placing(place: (keys: FieldKeys) => FieldKeys): Mutant['change'] {
  return ({ fields }) => ({
    fields: {
      read: (keys, ...rest) => fields.read(place(keys), ...rest),
      write: (keys, ...rest) => fields.write(place(keys), ...rest),
    },
  })
}
