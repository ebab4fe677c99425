import { beginningNow, beginningSent } from '../lib/cache/beginning.ts'
import type { Entry } from '../lib/cache/entry.ts'
import type { Follower, Lease } from '../lib/cache/flight.ts'
import type { Lead } from '../lib/cache/leading.ts'
import type { Live } from '../lib/cache/live.ts'
import { useOf } from '../lib/cache/reuse.ts'
import type { Claim, ClaimOrMade } from '../lib/cache/sharing.ts'
import { variantOf } from '../lib/cache/vary.ts'
import { followed, usable } from './cache-following.ts'
import { followerOf } from './cache-look.ts'
import { type Made, observerOf, type Wanting } from './cache-made.ts'
import type { CacheParts } from './cache-parts.ts'
import type { Observer, Outcome } from './exchange.ts'

// So often is an answer waited for that another was to make, or that turned out to be another's.
const mostTurns = 3

/** How an answer that is not there comes to be made: by this request, by another, or together. */
export class Making<Native> {
  readonly #parts: CacheParts<Native>
  readonly #wanting: Wanting<Native>
  readonly #follower: Follower

  constructor(parts: CacheParts<Native>, wanting: Wanting<Native>) {
    this.#parts = parts
    this.#wanting = wanting
    this.#follower = followerOf(wanting.exchange, wanting.look.request)
  }

  /** This request runs the handler, and nobody waits for it. */
  async alone(): Promise<Outcome> {
    const { request, deadline } = this.#wanting.look
    if (request.resumes !== undefined) return this.#bypass('last-event-id')
    const { entries } = this.#parts.settings.store
    const shunned = this.#parts.flights.isShunned(request.resource)
    const since = shunned ? beginningSent(entries, deadline) : await this.#now()
    if (since === undefined) return this.#bypass('store')
    return this.#fill({ since, variant: this.#variant() })
  }

  /** Waits for the answer that an equal request is making, or makes it for all. */
  async together(turn = 0): Promise<Outcome> {
    const { flights } = this.#parts
    const { request } = this.#wanting.look
    const variant = this.#variant()
    const boarding = flights.board(request.resource, variant, this.#follower)
    const landing = boarding.kind === 'wait' ? await boarding.landing : boarding
    switch (landing.kind) {
      case 'copy':
        return this.#share(landing.copy)
      case 'live':
        return this.#read(landing.live)
      case 'lead':
        return this.#lead({ lease: landing.lease, variant, turn })
      case 'gone':
        return this.#gone()
      case 'again':
        return turn < mostTurns ? this.together(turn + 1) : this.alone()
      default:
        return this.alone()
    }
  }

  /** Follows a run of the handler that answers nobody; nothing where somebody makes it already. */
  async inBackground(): Promise<Observer | undefined> {
    const { flights, settings } = this.#parts
    const { request } = this.#wanting.look
    const variant = this.#variant()
    if (flights.find(request.resource, variant)) return undefined
    const boarding = flights.board(request.resource, variant, this.#follower)
    if (boarding.kind !== 'lead') return undefined
    const { lease } = boarding
    const made = await (settings.coalesce === 'redis'
      ? this.#claimed(lease, variant)
      : this.#begun(lease, variant))
    if (made) return observerOf(this.#parts, this.#wanting, { ...made, background: true })
    lease.abandon()
    return undefined
  }

  async #begun(lease: Lease<Entry>, variant: string): Promise<Made | undefined> {
    const since = await this.#now()
    return since === undefined ? undefined : { lease, since, variant }
  }

  /** Nothing where another process makes it, or has made it by now. */
  async #claimed(lease: Lease<Entry>, variant: string): Promise<Made | undefined> {
    const claim = await this.#claim(variant)
    if (claim.kind === 'follow') claim.follow.leave()
    if (claim.kind === 'made') this.#land(lease, claim.made)
    return claim.kind === 'lead' ? ledBy(claim.lead, lease, variant) : undefined
  }

  async #lead(turn: Turn): Promise<Outcome> {
    const { lease, variant } = turn
    const { request } = this.#wanting.look
    if (this.#parts.settings.coalesce !== 'redis') return this.#leadHere(turn)
    const claim = await this.#claim(variant)
    switch (claim.kind) {
      case 'lead':
        return this.#leadForAll(turn, claim.lead)
      case 'made':
        this.#land(lease, claim.made)
        return this.#share(claim.made)
      case 'follow':
        return this.#follow(turn, claim)
      case 'alone':
        lease.refuse()
        return request.resumes === undefined
          ? this.#fill({ since: claim.since, variant })
          : this.#bypass('last-event-id')
      default:
        lease.abandon()
        return this.#bypass('store')
    }
  }

  #leadForAll({ lease, variant }: Turn, lead: Lead): Outcome {
    if (this.#wanting.look.request.resumes === undefined)
      return this.#fill(ledBy(lead, lease, variant))
    lead.end('failed')
    lease.abandon()
    return this.#bypass('last-event-id')
  }

  /** The store may have told what the answer varies by: who asks for another variant goes on. */
  #land(lease: Lease<Entry>, entry: Entry): void {
    lease.narrow(this.#parts.shelf.names(this.#wanting.look.request.resource), this.#variant())
    lease.land(entry, Promise.resolve())
  }

  async #leadHere({ lease, variant }: Turn): Promise<Outcome> {
    const resumes = this.#wanting.look.request.resumes !== undefined
    const since = resumes ? undefined : await this.#now()
    if (since !== undefined) return this.#fill({ lease, since, variant })
    lease.abandon()
    return this.#bypass(resumes ? 'last-event-id' : 'store')
  }

  /** Another process makes it. */
  async #follow(turn: Turn, claim: Followable): Promise<Outcome> {
    const { lease } = turn
    const { look } = this.#wanting
    const next = await followed(this.#parts, look, this.#follower, claim)
    switch (next.kind) {
      case 'live':
        lease.live(next.live)
        // Who comes while it grows reads it too.
        void claim.follow.over.then(() => lease.abandon())
        return this.#read(next.live)
      case 'entry':
        this.#land(lease, next.entry)
        return this.#share(next.entry)
      case 'refused':
        lease.refuse()
        return this.alone()
      case 'away':
        lease.abandon()
        return this.#bypass('store')
      case 'gone':
        lease.abandon()
        return this.#gone()
      case 'outdated':
        // Nobody else can take the duty while it goes on: this process makes its own.
        return this.#leadHere(turn)
      case 'lapsed':
        if (turn.turn < mostTurns) return this.#lead({ ...turn, turn: turn.turn + 1 })
        return this.#again(turn)
      default:
        return this.#again(turn)
    }
  }

  /** It was another's answer, or none: once more, and not for ever. */
  #again({ lease, turn }: Turn): Promise<Outcome> {
    lease.abandon()
    return turn < mostTurns ? this.together(turn + 1) : this.alone()
  }

  #read(live: Live): Outcome | Promise<Outcome> {
    const { replies } = this.#wanting
    if (!replies.joins(live)) return this.alone()
    replies.fromLive(live)
    return 'answered'
  }

  #share(copy: Entry): Outcome | Promise<Outcome> {
    const { look, replies } = this.#wanting
    if (useOf(copy, look.request, Date.now()) !== 'use' || !replies.continues(copy))
      return this.alone()
    replies.fromEntry(copy, { status: 'collapsed', fact: { fwd: 'miss', collapsed: true } })
    return 'answered'
  }

  #fill(made: Made): Outcome {
    return { observe: observerOf(this.#parts, this.#wanting, made) }
  }

  #variant(): string {
    const { resource, headers } = this.#wanting.look.request
    return variantOf(this.#parts.shelf.names(resource), headers)
  }

  #claim(variant: string): Promise<ClaimOrMade<Entry>> {
    const { look, seen } = this.#wanting
    const again = async (): Promise<Entry | undefined> => {
      const found = await usable(this.#parts, look)
      return found.kind === 'entry' ? found.entry : undefined
    }
    const place = { key: look.request.resource, variant }
    return this.#parts.sharing.claimUnlessMade(place, look.deadline, { seen, again })
  }

  #now(): Promise<number | undefined> {
    return beginningNow(this.#parts.settings.store.entries, this.#wanting.look.deadline)
  }

  #bypass(reason: 'store' | 'last-event-id'): Outcome {
    this.#wanting.replies.bypass(reason)
    return 'next'
  }

  #gone(): Outcome {
    this.#wanting.look.request.record.passed('miss', 'incomplete')
    return 'answered'
  }
}

type Followable = Extract<Claim, { kind: 'follow' }>

/** A request that makes the answer for those of its process, unless another process does. */
interface Turn {
  readonly lease: Lease<Entry>
  readonly variant: string
  readonly turn: number
}

function ledBy(lead: Lead, lease: Lease<Entry>, variant: string): Made {
  return { lease, lead, since: lead.since, variant }
}
