import type { Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import { fillChannel } from '../keys.ts'
import type { Claimed, FillPlace, Fills, SeenPlace } from '../ports/fills.ts'
import { createPulse } from '../pulse.ts'
import { publish } from '../telemetry.ts'
import { type Lead, Leading, leaseMs } from './leading.ts'

// More often than each lease is renewed, so that not all are renewed together.
const beatMs = 100

/** What claiming a fill came to. */
type Taken =
  | { readonly kind: 'lead'; readonly lead: Lead }
  | Exclude<Claimed, { readonly kind: 'leading' }>

/** The answers that this process makes for others. */
export interface Leads {
  /** Claims a fill, unless another entry stands there than was seen; rejects as the store does. */
  take(place: FillPlace, deadline: Deadline, seen: SeenPlace | undefined): Promise<Taken>
  /** Ends all that is led. */
  close(): Promise<void>
}

/** One timer for the leases, and one channel on which this process hears that others wait. */
export function createLeads(fills: Fills): Leads {
  const runner = fillChannel(crypto.randomUUID())
  const leases = createPulse<Leading>(beatMs, (led, now) => led.beat(now))
  const led = new Map<string, Leading>()
  // Somebody may wait before this process has heard that it leads.
  const early = new Map<string, boolean>()
  let leave: Promise<(() => Promise<void>) | undefined> | undefined

  /** Nobody waits for it: what is missed meanwhile, the next renewal of a lease hears of. */
  function listen(): void {
    leave ??= fills.onWatched(runner, hear).then(
      (end) => {
        for (const leading of led.values()) leading.ask()
        return end
      },
      (error: unknown) => {
        failed(error)
        leave = undefined
        return undefined
      },
    )
  }

  function hear(token: string): void {
    if (early.has(token)) early.set(token, true)
    led.get(token)?.watched()
  }

  function lead(place: FillPlace, token: string, since: number, takenAt: number): Lead {
    const over = (): void => void led.delete(token)
    const leading = new Leading({ fills, place, token, since, takenAt, leases, over })
    led.set(token, leading)
    if (early.get(token)) leading.watched()
    return leading
  }

  /** Nobody is to wait for a lease that was taken without this process hearing of it. */
  function release(place: FillPlace, token: string, error: unknown): void {
    if (error instanceof StoreError && error.outcome === 'not-sent') return
    fills.end(place, token, 'failed', { keepMs: 1, aloneMs: 0 }).catch(failed)
  }

  return {
    async take(place, deadline, seen) {
      listen()
      const token = crypto.randomUUID()
      early.set(token, false)
      const takenAt = performance.now()
      try {
        const claimed = await fills.claim(place, { token, runner, leaseMs, seen }, { deadline })
        if (claimed.kind !== 'leading') return claimed
        return { kind: 'lead', lead: lead(place, token, claimed.since, takenAt) }
      } catch (error) {
        release(place, token, error)
        throw error
      } finally {
        early.delete(token)
      }
    },
    async close() {
      await Promise.all([...led.values()].map((leading) => leading.close()))
      leases.close()
      const end = await leave
      await end?.().catch(failed)
    },
  }
}

function failed(error: unknown): void {
  publish('error', () => ({ during: 'cache fill', error }))
}
