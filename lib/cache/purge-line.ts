import { UsageError } from '../errors.ts'
import { purgeChannel } from '../keys.ts'
import { publish } from '../telemetry.ts'
import type { CacheStore } from './shelf.ts'

/** The line on which a process hears which marks are purged. */
export interface PurgeLine {
  /** Whether it stands; where it does not, it is tried, at most once a second. */
  stands(now: number): boolean
  close(): Promise<void>
}

/** Told of what is heard. */
interface PurgeListener {
  heard(marks: readonly string[]): void
  /** From now on purges are heard of; what was sent until now may have been missed. */
  stands(): void
}

const triesAgainMs = 1000

/**
 * A line that is tried when somebody first asks for it. Once it stands the store listens again by
 * itself after a lost connection: messages from the time between are gone, and nobody says so.
 */
export function purgeLine(
  { subscribe }: Pick<CacheStore, 'subscribe'>,
  listener: PurgeListener,
): PurgeLine {
  // `off`: closed, or on a store without messages.
  let state: 'down' | 'trying' | 'stands' | 'off' = 'down'
  let leave: Promise<(() => Promise<void>) | undefined> | undefined
  let triedAt = Number.NEGATIVE_INFINITY

  function settle(to: 'down' | 'stands' | 'off'): void {
    if (state !== 'trying') return
    state = to
    if (to === 'stands') listener.stands()
  }

  function hear(message: unknown): void {
    if (isMessage(message)) listener.heard(message)
  }

  async function join(): Promise<(() => Promise<void>) | undefined> {
    try {
      const end = await subscribe(purgeChannel, hear)
      settle('stands')
      return end
    } catch (error) {
      const never = error instanceof UsageError
      settle(never ? 'off' : 'down')
      if (!never) publish('error', () => ({ during: 'cache bus', error }))
      return undefined
    }
  }

  return {
    stands(now) {
      if (state === 'down' && now - triedAt >= triesAgainMs) {
        state = 'trying'
        triedAt = now
        leave = join()
      }
      return state === 'stands'
    },
    async close() {
      state = 'off'
      const end = await leave
      await end?.().catch(() => {})
    },
  }
}

/** Whoever else speaks on the channel is not listened to. */
function isMessage(message: unknown): message is readonly string[] {
  return Array.isArray(message) && message.every((mark) => typeof mark === 'string')
}
