import type { Entry } from '../../lib/cache/entry.ts'

/** An entry with this body, made now, that lives for a minute. */
export function entryOf(body: string | Buffer, more: Partial<Entry> = {}): Entry {
  return {
    ...{ status: 200, fields: {}, body: Buffer.from(body), pieces: undefined },
    ...{ storedAt: Date.now(), ageMs: 0, lifeMs: 60_000, swrMs: 0, sieMs: 0 },
    ...{ explicit: true, strict: false, marks: [], since: 0 },
    ...more,
  }
}
