import { Audience } from '../lib/cache/audience.ts'
import { beginningNow, beginningSent } from '../lib/cache/beginning.ts'
import type { CacheFact } from '../lib/cache/cache-status.ts'
import type { Entry } from '../lib/cache/entry.ts'
import type { Follower, Lease } from '../lib/cache/flights.ts'
import type { Lead } from '../lib/cache/leading.ts'
import type { Live } from '../lib/cache/live.ts'
import { useOf } from '../lib/cache/reuse.ts'
import type { Claim } from '../lib/cache/sharing.ts'
import { variantOf } from '../lib/cache/vary.ts'
import { Fill } from './cache-fill.ts'
import { followed, usable } from './cache-following.ts'
import { followerOf, type Look } from './cache-look.ts'
import type { CacheParts, FillPlan } from './cache-parts.ts'
import type { Replies } from './cache-replies.ts'
import { type FromEntry, Revalidation } from './cache-revalidation.ts'
import type { Exchange, Observer, Outcome } from './exchange.ts'

/** A request for which nothing stored will do. */
export interface Wanting<Native> {
  readonly exchange: Exchange<Native>
  readonly look: Look
  readonly replies: Replies<Native>
  readonly fwd: CacheFact['fwd']
  /** A stored answer that the handler may confirm, or that stands in for it. */
  readonly stale: Entry | undefined
}

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
    if (this.#parts.flights.isShunned(request.resource))
      return this.#fill({
        since: beginningSent(this.#parts.settings.store.entries, deadline),
        variant: this.#variant(),
      })
    const since = await this.#now()
    return since === undefined
      ? this.#bypass('store')
      : this.#fill({ since, variant: this.#variant() })
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
    if (made) return this.#observer(made, true)
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
    if (claim.kind !== 'lead') return undefined
    const made = await this.#madeMeanwhile(claim.lead, lease)
    return made ? undefined : ledBy(claim.lead, lease, variant)
  }

  async #lead(turn: Turn): Promise<Outcome> {
    const { lease, variant } = turn
    const { request } = this.#wanting.look
    if (this.#parts.settings.coalesce !== 'redis') return this.#leadHere(turn)
    const claim = await this.#claim(variant)
    switch (claim.kind) {
      case 'lead':
        return this.#leadForAll(turn, claim.lead)
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

  async #leadForAll({ lease, variant }: Turn, lead: Lead): Promise<Outcome> {
    const made = await this.#madeMeanwhile(lead, lease)
    if (made) return this.#share(made)
    if (this.#wanting.look.request.resumes === undefined)
      return this.#fill(ledBy(lead, lease, variant))
    lead.end('failed')
    lease.abandon()
    return this.#bypass('last-event-id')
  }

  /**
   * Between our look and our claim another process may have ended its answer, and nobody says so: only
   * who looks while leading has missed nothing.
   */
  async #madeMeanwhile(lead: Lead, lease: Lease<Entry>): Promise<Entry | undefined> {
    const { look } = this.#wanting
    const found = await usable(this.#parts, look)
    if (found.kind !== 'entry') return undefined
    lead.end('kept')
    this.#land(lease, found.entry)
    return found.entry
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
    if (useOf(copy, look.request.wish, Date.now()) !== 'use' || !replies.continues(copy))
      return this.alone()
    replies.fromEntry(copy, { status: 'collapsed', fact: { fwd: 'miss', collapsed: true } })
    return 'answered'
  }

  #fill(made: Made): Outcome {
    return { observe: this.#observer(made, false) }
  }

  #observer({ lease, lead, since, variant }: Made, background: boolean): Observer {
    const { exchange, look, replies, fwd, stale } = this.#wanting
    const { request, deadline } = look
    const audience = new Audience(lease, lead)
    const of = { exchange, request, deadline, audience }
    const plan: FillPlan<Native> = { ...of, since, variant, fwd, background }
    // All at once: a handler that ends twice must not end it in the middle.
    const answer = (from: FromEntry) =>
      replies.fromEntry({ ...from.entry, pieces: undefined }, from)
    try {
      if (stale === undefined) return new Fill(this.#parts, plan)
      return new Revalidation(this.#parts, plan, {
        stale,
        answer: background ? undefined : answer,
      })
    } catch (error) {
      // Nobody would ever end what others wait for: a request may be frozen.
      audience.abandon()
      throw error
    }
  }

  #variant(): string {
    const { resource, headers } = this.#wanting.look.request
    return variantOf(this.#parts.shelf.names(resource), headers)
  }

  #claim(variant: string): Promise<Claim> {
    const { request, deadline } = this.#wanting.look
    return this.#parts.sharing.claim({ key: request.resource, variant }, deadline)
  }

  #now(): Promise<number | undefined> {
    return beginningNow(this.#parts.settings.store.entries, this.#wanting.look.deadline)
  }

  #bypass(reason: 'store' | 'last-event-id'): Outcome {
    const { record } = this.#wanting.look.request
    if (reason === 'store') record.degrade()
    record.passed('bypass', reason)
    this.#wanting.replies.say({ fwd: 'bypass', detail: reason })
    return 'next'
  }

  #gone(): Outcome {
    this.#wanting.look.request.record.passed('miss', 'incomplete')
    return 'answered'
  }
}

/** How an answer is made. */
interface Made {
  /** Requests of this process wait for it. */
  readonly lease?: Lease<Entry> | undefined
  /** Requests of other processes do. */
  readonly lead?: Lead | undefined
  readonly since: FillPlan<unknown>['since']
  readonly variant: string
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
