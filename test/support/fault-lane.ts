/** How bytes pass. Without any of these: at once. */
export interface Pace {
  /** Nothing passes; what is held passes, in order, when the stall ends. */
  readonly stall?: boolean
  /** This much later, in order, in milliseconds. */
  readonly delayMs?: number
  /** Later still by up to so much, each time by another time. */
  readonly jitterMs?: number
  /** Byte by byte, this far apart. What has not passed when it ends passes at once. */
  readonly trickleMs?: number
}

interface Waiting {
  readonly at: number
  readonly bytes: Buffer
  readonly trickled: boolean
  readonly passed: (() => void) | undefined
}

/** One direction of a connection: passes bytes on in order, late or held. */
export class Lane {
  readonly #pace: () => Pace
  readonly #write: (bytes: Buffer) => void
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(pace: () => Pace, write: (bytes: Buffer) => void) {
    this.#pace = pace
    this.#write = write
  }

  /** Passes bytes on as the pace is now; `passed` is called when they have passed. */
  push(bytes: Buffer, passed?: () => void): void {
    const { delayMs = 0, jitterMs = 0, trickleMs } = this.#pace()
    const now = performance.now()
    const due = now + delayMs + Math.random() * jitterMs
    const at = Math.max(this.#waiting.at(-1)?.at ?? 0, due)
    if (trickleMs === undefined) this.#waiting.push({ at, bytes, trickled: false, passed })
    else
      for (let n = 0; n < bytes.length; n += 1)
        this.#waiting.push({
          at: at + (n + 1) * trickleMs,
          bytes: bytes.subarray(n, n + 1),
          trickled: true,
          passed: n === bytes.length - 1 ? passed : undefined,
        })
    this.move()
  }

  /** Passes on what is due. */
  move(): void {
    clearTimeout(this.#timer)
    const { stall, trickleMs } = this.#pace()
    if (stall === true) return
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const hurried = next.trickled && trickleMs === undefined
      const wait = hurried ? 0 : next.at - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.move(), wait)
        return
      }
      this.#waiting.shift()
      this.#write(next.bytes)
      next.passed?.()
    }
  }

  /** Forgets what has not passed. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#waiting = []
  }
}
