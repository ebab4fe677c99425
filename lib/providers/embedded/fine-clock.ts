/**
 * Makes a clock that tells milliseconds since 1970 and parts of them. `Date.now` tells whole ones:
 * where it says that a window lies between two moments, it may be up to a millisecond less.
 */
export function fineClock(): () => number {
  let begun = performance.timeOrigin
  return () => {
    const wall = Date.now()
    const since = performance.now()
    if (Math.abs(begun + since - wall) > most) begun = begunBy(begun)
    return begun + since
  }
}

/** How far the two clocks may be apart, one of which tells whole milliseconds. */
const most = 2

/** When this process began by the system's clock, where that was set or the machine has slept. */
function begunBy(begun: number): number {
  const before = performance.now()
  const wall = Date.now()
  const after = performance.now()
  // A process that was only held up between two looks finds the one clock between two of the other.
  const isSet = wall > begun + after + most || wall < begun + before - most
  return isSet ? wall - before : begun
}
