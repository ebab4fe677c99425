const begin = '{"content":"'
const turn = '","turn":"'
const createdAt = '","createdAt":'
const whole = /^[1-9]\d{0,14}$/

/**
 * As `JSON.parse()`, in less than half the time for a stored message of plain text, which most are:
 * nothing in it is escaped, so that no character has to be looked at or copied. Unlike
 * `JSON.parse()` it takes such a text with control characters in it, which nothing writes.
 *
 * @throws SyntaxError
 */
export function parseJson(json: string): unknown {
  return plainMessage(json) ?? JSON.parse(json)
}

function plainMessage(json: string): object | undefined {
  if (!json.startsWith(begin) || json.includes('\\')) return undefined
  const end = json.indexOf('"', begin.length)
  if (end < 0) return undefined
  const content = json.slice(begin.length, end)
  if (!json.startsWith(turn, end)) {
    const at = timeAt(json, end)
    return at === undefined ? undefined : { content, createdAt: at }
  }
  const close = json.indexOf('"', end + turn.length)
  const at = close < 0 ? undefined : timeAt(json, close)
  return at === undefined
    ? undefined
    : { content, turn: json.slice(end + turn.length, close), createdAt: at }
}

/** The time that a message ends with, from this quotation mark on. */
function timeAt(json: string, from: number): number | undefined {
  if (!json.startsWith(createdAt, from) || !json.endsWith('}')) return undefined
  const digits = json.slice(from + createdAt.length, -1)
  return whole.test(digits) ? Number(digits) : undefined
}
