import type { Live } from './live.ts'
import { isToldLater } from './marks.ts'

/** A request that could wait for another's answer. */
export interface Follower {
  /** What an answer to it carries, as far as the request tells. */
  readonly marks: readonly string[]
  /** Names the variant it asks for, under the fields a response varies by. */
  variantOf(names: readonly string[]): string
  /** Calls `leave` once its client is gone. */
  onGone(leave: () => void): void
}

/**
 * How a wait ends: with the leader's answer, or with what there is of it, to be read while it grows;
 * with the lead, since the leader died; with `alone`, where the answer may not be shared; with
 * `again`, where it is for another variant; with `gone`, when the follower's own client left.
 */
export type Landing<Copy> =
  | { readonly kind: 'copy'; readonly copy: Copy }
  | { readonly kind: 'live'; readonly live: Live }
  | { readonly kind: 'lead'; readonly lease: Lease<Copy> }
  | { readonly kind: 'alone' | 'again' | 'gone' }

/**
 * What a request that missed does: lead, wait, use a copy that is being written or an answer that is
 * being made, or run on its own.
 */
export type Boarding<Copy> =
  | Extract<Landing<Copy>, { kind: 'copy' | 'lead' | 'live' }>
  | { readonly kind: 'wait'; readonly landing: Promise<Landing<Copy>> }
  | { readonly kind: 'alone' }

/** The duty of the one that runs the handler for all; it ends once, by one of the last three. */
export interface Lease<Copy> {
  /** The answer varies by these fields: who asks for another variant need not wait. */
  narrow(names: readonly string[], variant: string): void
  /** The answer takes long: nobody waits for it any more. It may still come. */
  part(): void
  /** The answer is read while it grows, by those who wait and those who come; also narrows. */
  live(live: Live): void
  /** The answer may not be shared: everybody runs on their own, also for some seconds to come. */
  refuse(): void
  /** Here is the answer. New requests get it from here until it is `written`. */
  land(copy: Copy, written: Promise<unknown>): void
  /** There will be no answer: one of those who wait takes the lead. */
  abandon(): void
}

interface Waiter<Copy> {
  readonly follower: Follower
  settle(landing: Landing<Copy>): void
}

/** Requests for one variant of one resource, in this process, with one of them at work. */
export interface Flight<Copy> {
  readonly resource: string
  /** What its answer carries, as far as its first request tells. */
  readonly marks: readonly string[]
  variant: string
  /** What the answer varies by, once its head is known. */
  names: readonly string[] | undefined
  copy: Copy | undefined
  /** What there is of the answer, where it may be read while it grows. */
  live: Live | undefined
  heirs: number
  /** Nobody waits for its answer. */
  parted: boolean
  /** Purged while it was in the air: its answer is for those who asked before, and for nobody else. */
  purged: boolean
  readonly waiting: Set<Waiter<Copy>>
}

/** A flight that has just begun. */
export function newFlight<Copy>(
  resource: string,
  variant: string,
  marks: readonly string[],
): Flight<Copy> {
  return {
    resource,
    marks,
    variant,
    names: undefined,
    copy: undefined,
    live: undefined,
    heirs: 0,
    parted: false,
    purged: false,
    waiting: new Set(),
  }
}

/** Names one variant of one resource. */
export function lane(resource: string, variant: string): string {
  return `${resource} ${variant}`
}

/**
 * Whether a purge of these marks and resources concerns what is in the air. Its tags and groups are
 * known only where it is read while it grows: a handler may add tags until its answer has ended.
 */
export function concerns<Copy>(purged: readonly string[], flight: Flight<Copy>): boolean {
  const { resource, marks, live, copy } = flight
  const told = copy === undefined ? live?.head.entry.marks : undefined
  return purged.some((mark) => {
    if (mark === resource || marks.includes(mark)) return true
    return told ? told.includes(mark) : isToldLater(mark)
  })
}

/** Whether the answer, as far as it is known, is for this request too. */
export function matches<Copy>({ names, variant }: Flight<Copy>, follower: Follower): boolean {
  return names === undefined || follower.variantOf(names) === variant
}

/** Waits for the answer, or for what becomes of it. */
export function wait<Copy>(flight: Flight<Copy>, follower: Follower): Promise<Landing<Copy>> {
  return new Promise((resolve) => {
    const waiter: Waiter<Copy> = {
      follower,
      settle(landing) {
        flight.waiting.delete(waiter)
        resolve(landing)
      },
    }
    flight.waiting.add(waiter)
    follower.onGone(() => waiter.settle({ kind: 'gone' }))
  })
}
