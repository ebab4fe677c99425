import type { Entries, FoundEntry } from '../../ports/entries.ts'
import { redacted } from '../../redact.ts'
import type { Connection } from './client.ts'
import { run } from './script.ts'
import { drop } from './scripts/drop.ts'
import { keep } from './scripts/keep.ts'

const again = { again: true }

/** Cached responses on Redis, bodies as their own bytes. */
export function redisEntries({ send }: Connection): Entries {
  return {
    async find(key, variant, call) {
      if (variant === '') {
        const [vary, head, body] = await send(
          'find',
          (client) => client.hmgetBuffer(key, 'vary', 'head', 'body'),
          again,
          call,
        )
        return found(vary, head, body)
      }
      const replies = await send(
        'find',
        async (client) => {
          const results = await client
            .pipeline()
            .hmgetBuffer(key, 'vary')
            .hmgetBuffer(`${key}:${variant}`, 'head', 'body')
            .exec()
          for (const [error] of results ?? []) if (error) throw error
          return results ?? []
        },
        again,
        call,
      )
      const [vary] = (replies[0]?.[1] ?? []) as Field[]
      const [head, body] = (replies[1]?.[1] ?? []) as Field[]
      return found(vary, head, body)
    },
    keep: (key, { variant, vary, entry, ttlMs, maxVariants }, call) =>
      send(
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
      ),
    drop: (key, call) => send('drop', (client) => run(client, drop, [key], []), again, call),
  }
}

type Field = Buffer | null | undefined

function found(vary: Field, head: Field, body: Field): FoundEntry {
  return {
    vary: vary ? vary.toString().split(',') : [],
    entry: head && body ? { head, body } : undefined,
  }
}
