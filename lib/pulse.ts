import { Bag, type InBag } from './bag.ts'

/** The beats for one member. */
export interface Beats {
  begin(): void
  end(): void
}

/** Calls something again and again for each of its members, by one timer. */
export interface Pulse<Member> {
  /** For this member, from `begin()` until `end()`, however often either is called. */
  of(member: Member): Beats
  /** For whom it beats now. */
  readonly members: readonly Member[]
  /** Keeps no timer, and takes nobody in any more. */
  close(): void
}

interface Seat<Member> extends InBag {
  readonly member: Member
}

/**
 * Beats every so many milliseconds for as long as it has members: none of them has a timer of its
 * own, and the timer keeps no program alive.
 */
export function createPulse<Member>(
  everyMs: number,
  beat: (member: Member, now: number) => void,
): Pulse<Member> {
  const seats = new Bag<Seat<Member>>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function arm(): void {
    if (timer !== undefined || closed || seats.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      const now = performance.now()
      for (const seat of seats.all()) if (seats.has(seat)) beat(seat.member, now)
      arm()
    }, everyMs).unref()
  }

  return {
    of(member) {
      const seat: Seat<Member> = { member, place: -1 }
      return {
        begin() {
          if (closed || seats.has(seat)) return
          seats.add(seat)
          arm()
        },
        end: () => seats.delete(seat),
      }
    },
    get members() {
      return seats.all().map(({ member }) => member)
    },
    close() {
      closed = true
      for (const seat of seats.all()) seats.delete(seat)
      clearTimeout(timer)
    },
  }
}
