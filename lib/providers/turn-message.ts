import type { FillEnd, FillListener } from '../ports/fills.ts'
import type { TurnListener } from '../ports/turns.ts'

const bar = '|'.charCodeAt(0)

/** What those who watch a turn or a fill are sent with a batch: `b`, its number, a bar, its bytes. */
export function batchMessage({ last, bytes }: { last: number; bytes: Uint8Array }): Buffer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Buffer.concat([Buffer.from(`b${last}|`), view])
}

/** What they are sent with the end. */
export const endMessage: Buffer = Buffer.from('e')

/** Tells a listener what a message says; others' messages on the channel say nothing. */
export function tell(listener: TurnListener, message: Buffer): void {
  if (message.equals(endMessage)) listener.ended()
  else tellBatch(listener, message)
}

/** What those who watch a fill are sent with its end. */
export function fillEndMessage(how: FillEnd): Buffer {
  return Buffer.from(`e${how}`)
}

/** Tells a listener what a message on a fill says. */
export function tellOfFill(listener: FillListener, message: Buffer): void {
  const how = message.length > 16 ? undefined : fillEnd(message.toString('latin1', 1))
  if (message[0] === endMessage[0] && how) listener.ended(how)
  else tellBatch(listener, message)
}

/** How a fill has ended, where a text says so. */
export function fillEnd(text: string): FillEnd | undefined {
  return text === 'kept' || text === 'refused' || text === 'failed' ? text : undefined
}

function tellBatch(listener: Pick<TurnListener, 'batch'>, message: Buffer): void {
  const end = message.indexOf(bar)
  const last = Number(/^b(\d{1,16})$/.exec(message.toString('latin1', 0, Math.min(end, 20)))?.[1])
  if (Number.isSafeInteger(last)) listener.batch({ last, bytes: message.subarray(end + 1) })
}
