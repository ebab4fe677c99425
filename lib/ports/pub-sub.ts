import type { Call } from '../deadline.ts'

/** Messages to whoever listens now; nothing is kept for those who come later. */
export interface PubSub {
  /** Sends once: a message that is lost with its connection is not sent again. */
  publish(channel: string, message: Uint8Array, call?: Call): Promise<void>
  /**
   * Calls `listener` with each message, in order, until the function given back is called. After a
   * lost connection it listens again by itself; what was sent meanwhile is gone.
   */
  subscribe(
    channel: string,
    listener: (message: Buffer) => void,
    call?: Call,
  ): Promise<() => Promise<void>>
}
