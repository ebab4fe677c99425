import type { TurnListener } from '../ports/turns.ts'

const bar = '|'.charCodeAt(0)

/** What those who watch a turn are sent with a batch: `b`, its number, a bar, its bytes. */
export function batchMessage({ last, bytes }: { last: number; bytes: Uint8Array }): Buffer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Buffer.concat([Buffer.from(`b${last}|`), view])
}

/** What they are sent with the end. */
export const endMessage: Buffer = Buffer.from('e')

/** Tells a listener what a message says; others' messages on the channel say nothing. */
export function tell(listener: TurnListener, message: Buffer): void {
  if (message.equals(endMessage)) listener.ended()
  const end = message.indexOf(bar)
  const last = Number(/^b(\d{1,16})$/.exec(message.toString('latin1', 0, Math.min(end, 20)))?.[1])
  if (Number.isSafeInteger(last)) listener.batch({ last, bytes: message.subarray(end + 1) })
}
