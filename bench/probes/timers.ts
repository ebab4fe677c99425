// Those that keep no program alive are not in process.getActiveResourcesInfo(): they are counted
// where they are made. This module comes before those that make them.
const running = new Set<unknown>()
const { setTimeout: setOnce, setInterval: setAgain, clearTimeout: clear } = globalThis

/** How many timers of this process are running. */
export function runningTimers(): number {
  return running.size
}

type Callback = (...args: unknown[]) => void

function once(callback: Callback, delay?: number, ...args: unknown[]): NodeJS.Timeout {
  const timer: NodeJS.Timeout = setOnce(() => {
    running.delete(timer)
    callback(...args)
  }, delay)
  running.add(timer)
  return timer
}

function again(callback: Callback, delay?: number, ...args: unknown[]): NodeJS.Timeout {
  const timer: NodeJS.Timeout = setAgain(callback, delay, ...args)
  running.add(timer)
  return timer
}

function stop(timer: NodeJS.Timeout | undefined): void {
  running.delete(timer)
  clear(timer)
}

Object.assign(globalThis, {
  setTimeout: once,
  setInterval: again,
  clearTimeout: stop,
  clearInterval: stop,
})
