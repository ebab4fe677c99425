import { damage, seeded, snapshot } from './damage.ts'
import type { TestServer } from './redis.ts'
import { openScene } from './stored-scene.ts'

/** What a run came to. */
interface Run {
  readonly cases: number
  /** Keys that were damaged. */
  readonly kinds: ReadonlySet<string>
  readonly given: number
  readonly refused: number
}

/**
 * Damages really stored values, one a case and all keys in turn, and reads in all ways what looks at
 * them. Rejects with the seed, the key and the damage of the first case in which something is wrong.
 */
export async function fuzz(
  server: TestServer,
  { sealed, seed, cases }: { sealed: boolean; seed: number; cases: number },
): Promise<Run> {
  const redis = server.client()
  await redis.flushall()
  const scene = await openScene(server, { sealed })
  const random = seeded(seed)
  const kinds = new Set<string>()
  let given = 0
  let refused = 0
  try {
    const { keys, restore } = await snapshot(redis)
    for (let at = 0; at < cases; at += 1) {
      await restore()
      const key = keys[at % keys.length] as string
      const how = await damage(redis, key, random)
      kinds.add(key)
      try {
        const outcomes = await scene.read(key)
        given += outcomes.given
        refused += outcomes.refused
      } catch (cause) {
        throw new Error(`seed ${seed}, case ${at}: ${key}, ${how}`, { cause })
      }
    }
  } finally {
    await scene.close()
    await redis.flushall()
    redis.disconnect()
  }
  return { cases, kinds, given, refused }
}
