import { StoreError } from '../../errors.ts'
import { listKey, type SessionKeys } from '../../keys.ts'
import type { FieldKeys, Fields } from '../../ports/fields.ts'
import { redacted } from '../../redact.ts'
import type { Pool } from './pool.ts'
import { run } from './script.ts'
import { writeFields } from './scripts/write-fields.ts'
import { type Step, together } from './together.ts'

/** Named values: a HASH for a session's state, one for all that a user prefers. */
export function redisFields(pool: Pool): Fields {
  return {
    async read(keys, names, ttlMs, call) {
      if (names?.length === 0 && ttlMs === undefined) return new Map()
      const steps: Step[] = [
        asked(keys.fields, names),
        ...(keys.session ? [['hmgetBuffer', keys.session.session, 'seal'] as const] : []),
        ...(ttlMs === undefined ? [] : renewal(keys, ttlMs)),
      ]
      const [reply, sealed] = await pool
        .of(keys.fields)
        .send('read', (client) => together(client, steps), { again: true }, call)
      if (keys.session) checkSeal(sealed, keys.session)
      return names === undefined
        ? new Map(Object.entries(reply as Record<string, Buffer>))
        : found(names, reply as (Buffer | null)[])
    },
    write(keys, changes, { ttlMs = 0, max, expected }, call) {
      const { fields, gone, session } = keys
      const beside = session ? [session.session, listKey(session), session.index] : []
      const bounds = [ttlMs, max, session?.seal ?? '', session?.id ?? '', expected.size] as const
      return pool.of(fields).send(
        'write',
        (client) =>
          run(
            client,
            writeFields,
            [fields, gone, ...beside],
            [...bounds, ...triples(expected), ...triples(changes)],
          ),
        // What was expected is there no more, the second time.
        { again: expected.size === 0 },
        call,
      )
    },
  }
}

/** Of state whose session was evicted nobody can tell. */
function checkSeal(reply: unknown, { seal }: SessionKeys): void {
  const [found] = reply as (Buffer | null)[]
  if (!found || found.toString() === seal) return
  throw new StoreError('read', 'corrupt', { cause: new Error(otherKey) })
}

const otherKey = 'The session belongs to another key'

function asked(key: string, names: readonly string[] | undefined): Step {
  if (names === undefined) return ['hgetallBuffer', key]
  return names.length === 0 ? ['exists', key] : ['hmgetBuffer', key, ...names]
}

function found(names: readonly string[], values: (Buffer | null)[]): Map<string, Buffer> {
  const map = new Map<string, Buffer>()
  for (const [at, name] of names.entries()) {
    const value = values[at]
    if (value) map.set(name, value)
  }
  return map
}

function renewal({ fields, session }: FieldKeys, ttlMs: number): Step[] {
  const steps: Step[] = [['pexpire', fields, ttlMs]]
  if (session === undefined) return steps
  return [
    ...steps,
    ['pexpire', session.session, ttlMs],
    ['pexpire', listKey(session), ttlMs],
    ['pexpire', session.index, ttlMs, 'GT'],
  ]
}

function triples(values: ReadonlyMap<string, Uint8Array | undefined>): (string | Buffer)[] {
  return [...values].flatMap(([name, bytes]) =>
    bytes === undefined ? [name, '0', ''] : [name, '1', redacted(bytes)],
  )
}
