import type { Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { FillPlace, Fills, SeenPlace } from '../ports/fills.ts'
import { createPulse } from '../pulse.ts'
import { publish } from '../telemetry.ts'
import { type Follow, Following } from './following.ts'
import type { Lead } from './leading.ts'
import { createLeads } from './leads.ts'

// More often than each silent fill is looked at, so that not all are looked at together.
const beatMs = 100

/**
 * What becomes of a request that missed. `lead`: it makes the answer for all processes. `follow`:
 * another run makes it, since then on the store's clock. `alone`: the last answer could not be shared, nobody waits for this one.
 * `away`: the store could not say.
 */
export type Claim =
  | { readonly kind: 'lead'; readonly lead: Lead }
  | { readonly kind: 'follow'; readonly follow: Follow; readonly since: number }
  | { readonly kind: 'alone'; readonly since: number }
  | { readonly kind: 'away'; readonly error: unknown }

/** A look that found nothing usable, before a claim. */
interface LookBefore<Made> {
  /** What it saw; `undefined` where that cannot be said. */
  readonly seen: SeenPlace | undefined
  /** Looks once more; `undefined` where what is there will not do. Never rejects. */
  again(): Promise<Made | undefined>
}

/** The same after a look. `made`: by somebody else, between the look and the claim. */
export type ClaimOrMade<Made> = Claim | { readonly kind: 'made'; readonly made: Made }

/** Answers that this process makes for others, and that others make for it. */
export interface Sharing {
  /** Takes the duty to make an answer, or joins whoever has it. Never rejects. */
  claim(place: FillPlace, deadline: Deadline): Promise<Claim>
  /**
   * The same after a look. Where something was kept since, it looks again, and claims only where that
   * is not usable either.
   */
  claimUnlessMade<Made>(
    place: FillPlace,
    deadline: Deadline,
    before: LookBefore<Made>,
  ): Promise<ClaimOrMade<Made>>
  /** Ends what is led, and follows no more. */
  close(): Promise<void>
}

/** The part of a store that this needs. */
interface FillStore {
  readonly fills: Fills
}

// All mounts on one store share it.
const known = new WeakMap<Fills, Sharing>()

/** What this process shares with others over a store. */
export function sharingOf({ fills }: FillStore): Sharing {
  const sharing = known.get(fills) ?? createSharing(fills)
  known.set(fills, sharing)
  return sharing
}

/** Ends timers and subscriptions for a store that is about to close. */
export async function closeSharing({ fills }: FillStore): Promise<void> {
  await known.get(fills)?.close()
}

function createSharing(fills: Fills): Sharing {
  const leads = createLeads(fills)
  const silent = createPulse<Following>(beatMs, (following, now) => following.beat(now))
  const follows = new Set<Following>()
  let closed = false

  function follow(place: FillPlace, token: string): Follow {
    const following = new Following({ fills, place, token, silent })
    follows.add(following)
    void following.over.then(() => follows.delete(following))
    return following
  }

  async function take(
    place: FillPlace,
    deadline: Deadline,
    seen?: SeenPlace,
  ): Promise<Claim | { readonly kind: 'kept' }> {
    if (closed) return { kind: 'away', error: new StoreError('claim', 'unavailable') }
    try {
      const taken = await leads.take(place, deadline, seen)
      return taken.kind === 'held'
        ? { kind: 'follow', follow: follow(place, taken.token), since: taken.since }
        : taken
    } catch (error) {
      publish('error', () => ({ during: 'cache claim', error }))
      return { kind: 'away', error }
    }
  }

  /** What was not asked for is no answer. */
  async function claim(place: FillPlace, deadline: Deadline): Promise<Claim> {
    const taken = await take(place, deadline)
    if (taken.kind !== 'kept') return taken
    return { kind: 'away', error: new StoreError('claim', 'corrupt') }
  }

  return {
    claim,
    async claimUnlessMade(place, deadline, { seen, again }) {
      const taken = await take(place, deadline, seen)
      if (taken.kind !== 'kept') return taken
      const made = await again()
      return made === undefined ? claim(place, deadline) : { kind: 'made', made }
    },
    async close() {
      closed = true
      for (const following of follows) following.close()
      silent.close()
      await leads.close()
    },
  }
}
