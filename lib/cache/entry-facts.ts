import type { Entry } from './entry.ts'
import { isStream } from './event-stream.ts'
import { lineOf } from './fields.ts'

/** What follows from an entry alone, whoever is answered from it. */
export interface EntryFacts {
  /** It is read piece by piece. */
  readonly isStream: boolean
  /** Its `Vary`, as one line. */
  readonly vary: string | undefined
  /** Its `Content-Length`. */
  readonly length: string
}

const known = new WeakMap<Entry, EntryFacts>()

/** Works these out once. */
export function factsOf(entry: Entry): EntryFacts {
  return known.get(entry) ?? read(entry)
}

function read(entry: Entry): EntryFacts {
  const { fields, body } = entry
  const facts = {
    isStream: isStream(fields),
    vary: lineOf(fields, 'vary'),
    length: String(body.length),
  }
  known.set(entry, facts)
  return facts
}
