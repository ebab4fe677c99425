import type { Deadline } from '../deadline.ts'
import type { Entries } from '../ports/entries.ts'
import { publish } from '../telemetry.ts'

/** Now, on the store's clock: what begins after it is younger than every purge so far. `undefined` where the store is away. */
export async function beginningNow(
  entries: Pick<Entries, 'clock'>,
  deadline: Deadline,
): Promise<number | undefined> {
  try {
    return await entries.clock({ deadline })
  } catch (error) {
    publish('error', () => ({ during: 'cache clock', error }))
    return undefined
  }
}

/** The moment of the call, or a little earlier, on the store's clock, without waiting for it to say so. */
export async function beginningSent(
  entries: Pick<Entries, 'clock'>,
  deadline: Deadline,
): Promise<number | undefined> {
  const sent = performance.now()
  const now = await beginningNow(entries, deadline)
  return now && now - Math.ceil((performance.now() - sent) * 1000)
}
