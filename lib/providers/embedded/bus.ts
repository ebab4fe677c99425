import type { PubSub } from '../../ports/pub-sub.ts'

type Listener = (message: Buffer) => void

/** Messages in this process, handed over after whoever published has gone on. */
export function embeddedBus(): PubSub & { close(): void } {
  const channels = new Map<string, Set<Listener>>()
  return {
    async publish(channel, message) {
      const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
      for (const listener of channels.get(channel) ?? []) {
        const copy = Buffer.from(bytes)
        queueMicrotask(() => {
          if (channels.get(channel)?.has(listener)) listener(copy)
        })
      }
    },
    async subscribe(channel, listener) {
      // A function of its own: the same listener may be there twice.
      const own: Listener = (message) => listener(message)
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners.add(own))
      return async () => {
        listeners.delete(own)
        if (listeners.size === 0 && channels.get(channel) === listeners) channels.delete(channel)
      }
    },
    close: () => channels.clear(),
  }
}
