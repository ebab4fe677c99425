/** Calls something again and again for each of its members, by one timer. */
export interface Pulse<Member> {
  add(member: Member): void
  delete(member: Member): void
  readonly members: ReadonlySet<Member>
  /** Keeps no timer, and takes nobody in any more. */
  close(): void
}

/**
 * Beats every so many milliseconds for as long as it has members: none of them has a timer of its
 * own, and the timer keeps no program alive.
 */
export function createPulse<Member>(
  everyMs: number,
  beat: (member: Member, now: number) => void,
): Pulse<Member> {
  const members = new Set<Member>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function arm(): void {
    if (timer !== undefined || closed || members.size === 0) return
    timer = setTimeout(() => {
      timer = undefined
      const now = performance.now()
      for (const member of [...members]) if (members.has(member)) beat(member, now)
      arm()
    }, everyMs).unref()
  }

  return {
    add(member) {
      if (closed) return
      members.add(member)
      arm()
    },
    delete: (member) => void members.delete(member),
    members,
    close() {
      closed = true
      members.clear()
      clearTimeout(timer)
    },
  }
}
