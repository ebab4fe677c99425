const begin = '{"content":"'
const turnMark = '","turn":"'
const timeMark = '","createdAt":'
const closing = '}'.charCodeAt(0)
const zero = '0'.charCodeAt(0)

/**
 * A message from its JSON in UTF-8, with its id and role behind what stands there; what is no object
 * is given as it is. A stored message of plain text, which most are, takes less than half the time of
 * `JSON.parse()`: nothing in it is escaped, so that no character has to be looked at or copied. Unlike
 * `JSON.parse()` it takes such a text with control characters in it, which nothing writes.
 *
 * @throws SyntaxError, which quotes nothing
 */
export function readMessage(bytes: Uint8Array, id: string, role: string): unknown {
  try {
    const json = decoder.decode(bytes)
    return plainMessage(json, id, role) ?? withBoth(JSON.parse(json), id, role)
  } catch {
    throw noJson()
  }
}

/** What stands in JSON in UTF-8. @throws SyntaxError, which quotes nothing */
export function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    throw noJson()
  }
}

// A buffer handed in may be one that shows nobody its text: it is not asked for that.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Errors of what reads bytes and text quote what they could not read. */
function noJson(): SyntaxError {
  return new SyntaxError('These bytes are no JSON')
}

function withBoth(value: unknown, id: string, role: string): unknown {
  return value instanceof Object && !Array.isArray(value)
    ? Object.assign(value, { id, role })
    : value
}

function plainMessage(json: string, id: string, role: string): object | undefined {
  if (!json.startsWith(begin) || json.includes('\\')) return undefined
  const end = json.indexOf('"', begin.length)
  if (end < 0) return undefined
  const content = json.slice(begin.length, end)
  if (!json.startsWith(turnMark, end)) {
    const createdAt = timeAt(json, end)
    return createdAt === undefined ? undefined : { content, createdAt, id, role }
  }
  const close = json.indexOf('"', end + turnMark.length)
  const createdAt = close < 0 ? undefined : timeAt(json, close)
  const turn = json.slice(end + turnMark.length, close)
  return createdAt === undefined ? undefined : { content, turn, createdAt, id, role }
}

/** The time that a message ends with, from this quotation mark on. */
function timeAt(json: string, from: number): number | undefined {
  const last = json.length - 1
  const first = from + timeMark.length
  if (!json.startsWith(timeMark, from) || json.charCodeAt(last) !== closing) return undefined
  // Fifteen digits at most, as are exact, and none before which there would be a zero.
  if (last <= first || last - first > 15 || json.charCodeAt(first) === zero) return undefined
  let time = 0
  for (let at = first; at < last; at += 1) {
    const digit = json.charCodeAt(at) - zero
    if (digit < 0 || digit > 9) return undefined
    time = time * 10 + digit
  }
  return time
}
