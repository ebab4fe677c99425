/** Whether the reader asked for no motion. */
export const stillness = matchMedia('(prefers-reduced-motion: reduce)')

const longestMs = 1200
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Words come in bursts: they are laid out a few a frame, the more the further behind. */
export function reveal(draw) {
  let whole = ''
  let shown = 0
  let frame = 0

  function grow() {
    frame = 0
    const behind = whole.length - shown
    if (behind <= 0) return
    shown += stillness.matches || document.hidden ? behind : Math.max(6, Math.ceil(behind / 12))
    draw(whole.slice(0, shown))
    frame = requestAnimationFrame(grow)
  }

  function stop() {
    cancelAnimationFrame(frame)
    frame = 0
  }

  function all() {
    stop()
    shown = whole.length
    draw(whole)
  }

  return {
    add(more) {
      whole += more
      if (frame === 0) frame = requestAnimationFrame(grow)
    },
    all,
    empty: () => whole === '',
    /** Resolves when everything is laid out, soon in any case: a hidden page draws no frames. */
    async drained() {
      const until = performance.now() + longestMs
      while (frame !== 0 && performance.now() < until) await pause(50)
      all()
    },
    reset() {
      stop()
      whole = ''
      shown = 0
    },
  }
}
