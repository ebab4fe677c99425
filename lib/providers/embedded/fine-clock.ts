/**
 * Makes a clock that tells milliseconds since 1970 and parts of them. `Date.now` tells whole ones:
 * where it says that a window lies between two moments, it may be up to a millisecond less.
 */
export function fineClock(): () => number {
  let begun = performance.timeOrigin
  return () => {
    const wall = Date.now()
    const since = performance.now()
    // The system's clock was set, or the machine has slept.
    if (Math.abs(begun + since - wall) > 2) begun = wall - since
    return begun + since
  }
}
