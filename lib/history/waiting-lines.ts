/** Those who wait for a conversation in this process: who came first is first. */
export interface WaitingLines {
  /** The turn that the first in line waits for; `undefined` where nobody does. */
  ahead(session: string): string | undefined
  /**
   * Runs `first` once everybody who came before is through; it tells for which turn it waits.
   * Rejects when the signal is aborted.
   */
  stand<T>(
    session: string,
    turn: string,
    signal: AbortSignal,
    first: (waited: boolean, waitsFor: (turn: string) => void) => Promise<T>,
  ): Promise<T>
}

interface Line {
  turn: string
  tail: Promise<void>
}

/** Makes the lines of a process. */
export function createWaitingLines(): WaitingLines {
  const lines = new Map<string, Line>()
  return {
    ahead: (session) => lines.get(session)?.turn,
    async stand(session, turn, signal, first) {
      const line = lines.get(session)
      let leave: () => void = () => {}
      const mine = new Promise<void>((resolve) => {
        leave = resolve
      })
      const before = line?.tail
      const tail = before === undefined ? mine : before.then(() => mine)
      const own = line ?? { turn, tail }
      own.tail = tail
      lines.set(session, own)
      try {
        if (before) await unlessAborted(before, signal)
        return await first(before !== undefined, (other) => {
          own.turn = other
        })
      } finally {
        leave()
        // Whoever goes before it is his turn leaves the others standing.
        void tail.then(() => {
          if (lines.get(session)?.tail === tail) lines.delete(session)
        })
      }
    },
  }
}

/** Waits for a promise, or rejects with the signal's reason. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let abort: () => void = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
