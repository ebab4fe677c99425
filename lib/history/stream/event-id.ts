/** Where in which turn a client is: `<turn>:<number>`. */
export interface EventId {
  /** The encoded id of the question. */
  readonly turn: string
  /** Number of the last piece that came; 0 before the first. */
  readonly number: number
}

/** The id of an event. */
export function eventId({ turn, number }: EventId): string {
  return `${turn}:${number}`
}

/** Reads an event id a client sent; `undefined` for anything else. */
export function parseEventId(text: unknown): EventId | undefined {
  const [, turn, digits] = (typeof text === 'string' && form.exec(text)) || []
  if (turn === undefined || digits === undefined) return undefined
  const number = Number(digits)
  return Number.isSafeInteger(number) ? { turn, number } : undefined
}

const form = /^([A-Za-z0-9_.@%~-]{1,400}):(0|[1-9][0-9]{0,15})$/
