/** What a bag may hold: one bag at a time. */
export interface InBag {
  /** Where it is in its bag, which sets it; -1 where it is in none. */
  place: number
}

/**
 * Holds what comes and goes with each request, in no order. A set would do the same; but of a set that
 * members keep coming into and leaving, V8 holds on to each table that it has outgrown until the old
 * generation is collected, and with it to all who were in it: most of what requests leave behind then
 * outlives the collections that are cheap. This is as long as it has ever been.
 */
export class Bag<Member extends InBag> {
  readonly #members: (Member | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(member: Member): void {
    member.place = this.#size
    this.#members[this.#size] = member
    this.#size += 1
  }

  has({ place }: Member): boolean {
    return place !== -1
  }

  /** The last takes the place of the one that leaves. */
  delete(member: Member): void {
    if (!this.has(member)) return
    this.#size -= 1
    const last = this.#members[this.#size] as Member
    this.#members[member.place] = last
    last.place = member.place
    this.#members[this.#size] = undefined
    member.place = -1
  }

  /** Those of now: whoever goes on with them may add and delete. */
  all(): Member[] {
    return this.#members.slice(0, this.#size) as Member[]
  }

  /** Those of now of whom this is true. */
  filter(which: (member: Member) => boolean): Member[] {
    return this.all().filter(which)
  }
}
