import type { Entries, FoundEntry } from '../../ports/entries.ts'
import { redacted } from '../../redact.ts'
import { checkSize } from './largest.ts'
import type { Pool } from './pool.ts'
import { run } from './script.ts'
import { drop } from './scripts/drop.ts'
import { keep } from './scripts/keep.ts'
import { type Step, together } from './together.ts'

const again = { again: true }

/** Cached responses on Redis, bodies as their own bytes. */
export function redisEntries(pool: Pool, { maxValueBytes }: { maxValueBytes: number }): Entries {
  return {
    async find(key, variant, call) {
      const replies = await pool
        .bodiesOf(key)
        .send('find', (client) => together(client, lookup(key, variant)), again, call)
      const [[vary, head, body] = [], [variantHead, variantBody] = []] = replies as Field[][]
      return variant === '' ? found(vary, head, body) : found(vary, variantHead, variantBody)
    },
    async keep(key, { variant, vary, entry, ttlMs, maxVariants }, call) {
      checkSize('keep', entry.head.byteLength + entry.body.byteLength, maxValueBytes)
      await pool
        .bodiesOf(key)
        .send(
          'keep',
          (client) =>
            run(
              client,
              keep,
              [key, variant === '' ? key : `${key}:${variant}`],
              [
                variant,
                vary.join(','),
                redacted(entry.head),
                redacted(entry.body),
                ttlMs,
                maxVariants,
              ],
            ),
          again,
          call,
        )
    },
    drop: (key, call) =>
      pool.bodiesOf(key).send('drop', (client) => run(client, drop, [key], []), again, call),
  }
}

function lookup(key: string, variant: string): Step[] {
  if (variant === '') return [['hmgetBuffer', key, 'vary', 'head', 'body']]
  return [
    ['hmgetBuffer', key, 'vary'],
    ['hmgetBuffer', `${key}:${variant}`, 'head', 'body'],
  ]
}

type Field = Buffer | null | undefined

function found(vary: Field, head: Field, body: Field): FoundEntry {
  return {
    vary: vary ? vary.toString().split(',') : [],
    entry: head && body ? { head, body } : undefined,
  }
}
