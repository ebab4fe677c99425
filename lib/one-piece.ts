/**
 * The same text in one piece. V8 keeps what was put together or cut out of others as it is, and with
 * it all the pieces, or the whole request that an id was cut from.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text).toString()
}
