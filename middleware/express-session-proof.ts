import { randomUUID } from 'node:crypto'
import type { RedisStore } from 'connect-redis'
import type { SessionData } from 'express-session'
import { StoreError, UsageError } from '../lib/errors.ts'
import { notice } from '../lib/notice.ts'
import { publish } from '../lib/telemetry.ts'

const advice =
  'Sessions cannot be kept: this version of connect-redis does not work over a memoryware store. Install the one that does: npm install --save-exact connect-redis@8.1.0'

/**
 * Proves by a session of its own that sessions come back. With another version of connect-redis they
 * would not, and every request would silently begin a new one.
 *
 * The proof is tried at once, and again by whoever waits for it, until it is found.
 *
 * @returns what waits for the proof: it rejects with a `StoreError` when the store is away, and with
 * a `UsageError` when sessions do not come back.
 */
export function proofOf(sessions: RedisStore): () => Promise<void> {
  let found = false
  let search: Promise<void> | undefined

  async function find(): Promise<void> {
    try {
      await tryOut(sessions)
      found = true
    } finally {
      search = undefined
    }
  }

  async function proof(): Promise<void> {
    if (found) return
    search ??= find()
    await search
  }

  proof().catch((error: unknown) => {
    publish('error', () => ({ during: 'session self-test', error }))
  })
  return proof
}

async function tryOut(sessions: RedisStore): Promise<void> {
  try {
    await roundTrip(sessions)
  } catch (error) {
    // The store is away or refuses: that says nothing of connect-redis.
    if (error instanceof StoreError) throw error
    notice('MEMORYWARE_SESSION_STORE', advice)
    throw new UsageError(advice, { cause: error })
  }
}

const livesMs = 10_000

type Probe = SessionData & { id: string }

async function roundTrip(sessions: RedisStore): Promise<void> {
  const id = `self-test.${randomUUID()}`
  const expires = new Date(Date.now() + livesMs)
  // Applications add fields of theirs to the type, and may say that all sessions have them.
  const session = { cookie: { originalMaxAge: livesMs, expires }, id } as Probe
  await sessions.set(id, session)
  const back: Probe | null = await sessions.get(id)
  if (back?.id !== id) throw new Error('A session that was written did not come back')
  await sessions.touch(id, session)
  await sessions.destroy(id)
  if (await sessions.get(id)) throw new Error('A session that was destroyed came back')
}
