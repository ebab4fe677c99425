import { fillKey } from '../../keys.ts'
import type { Entries, FoundEntry } from '../../ports/entries.ts'
import { redacted } from '../../redact.ts'
import { checkSize } from './largest.ts'
import type { Client } from './open-client.ts'
import type { Pool } from './pool.ts'
import { purgeSteps, purgesIn, redisPurges } from './purges.ts'
import { run } from './script.ts'
import { amendEntry } from './scripts/amend-entry.ts'
import { drop } from './scripts/drop.ts'
import { keep } from './scripts/keep.ts'
import { each, type Step } from './together.ts'

const again = { again: true }

/** Cached responses on Redis, bodies as their own bytes. */
export function redisEntries(pool: Pool, { maxValueBytes }: { maxValueBytes: number }): Entries {
  return {
    async find(key, variant, marks, call) {
      const steps = lookup(key, variant)
      const read = (client: Client) => each(client, [...steps, ...purgeSteps(client, marks)])
      const replies = await pool.bodiesOf(key).send('find', read, again, call)
      const fields = replies.slice(0, steps.length) as Field[][]
      return { ...found(fields, variant), purges: purgesIn(replies.slice(steps.length)) }
    },
    async keep(key, { variant, vary, entry, ttlMs, maxVariants, fill }, call) {
      checkSize('keep', entry.head.byteLength + entry.body.byteLength, maxValueBytes)
      const lock: [] | [string] = fill ? [fillKey(key, fill.variant)] : []
      const token: [] | [string] = fill ? [fill.token] : []
      const bytes = [redacted(entry.head), redacted(entry.body)] as const
      const command = (client: Client) =>
        run(
          client,
          keep,
          [key, variantKey(key, variant), ...lock],
          [variant, vary.join(','), ...bytes, ttlMs, maxVariants, ...token],
        )
      return pool.bodiesOf(key).send('keep', command, again, call)
    },
    async amend(key, variant, head, ttlMs, call) {
      checkSize('amend', head.byteLength, maxValueBytes)
      const args = [variant, redacted(head), ttlMs] as const
      const command = (client: Client) =>
        run(client, amendEntry, [key, variantKey(key, variant)], [...args])
      return pool.bodiesOf(key).send('amend', command, again, call)
    },
    drop: (key, call) =>
      pool.bodiesOf(key).send('drop', (client) => run(client, drop, [key], []), again, call),
    ...redisPurges(pool),
  }
}

/** Key of the entry of one variant. */
export function variantKey(key: string, variant: string): string {
  return variant === '' ? key : `${key}:${variant}`
}

function lookup(key: string, variant: string): Step[] {
  if (variant === '') return [['hmgetBuffer', key, 'vary', 'head', 'body']]
  return [
    ['hmgetBuffer', key, 'vary'],
    ['hmgetBuffer', variantKey(key, variant), 'head', 'body'],
  ]
}

type Field = Buffer | null | undefined

function found(replies: readonly Field[][], variant: string): Omit<FoundEntry, 'purges'> {
  const [[vary, ...whole] = [], own = []] = replies
  const [head, body] = variant === '' ? whole : own
  return {
    vary: vary ? vary.toString().split(',') : [],
    entry: head && body ? { head, body } : undefined,
  }
}
