/** What a bag may hold: one bag at a time. */
export interface InBag {
  /** Where it is in its bag, which sets it; -1 where it is in none. */
  place: number
}

/**
 * Holds what comes and goes with each request, in no order. A set would do the same; but of a set that
 * members keep coming into and leaving, V8 holds on to each table that it has outgrown until the old
 * generation is collected, and with it to all who were in it: most of what requests leave behind then
 * outlives the collections that are cheap.
 */
export class Bag<Member extends InBag> {
  readonly #members: Member[] = []

  get size(): number {
    return this.#members.length
  }

  add(member: Member): void {
    member.place = this.#members.length
    this.#members.push(member)
  }

  has({ place }: Member): boolean {
    return place !== -1
  }

  /** The last takes the place of the one that leaves. */
  delete(member: Member): void {
    const last = this.#members.at(-1)
    if (last === undefined || !this.has(member)) return
    this.#members[member.place] = last
    last.place = member.place
    member.place = -1
    this.#members.pop()
  }

  /** Those of now: whoever goes on with them may add and delete. */
  all(): Member[] {
    return [...this.#members]
  }

  /** Those of now of whom this is true. */
  filter(which: (member: Member) => boolean): Member[] {
    return this.#members.filter(which)
  }
}
