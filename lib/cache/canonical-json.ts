/** Where canonical JSON gives up: what is deeper or longer has no form. */
export interface Bounds {
  readonly maxDepth: number
  /** In characters. */
  readonly maxLength: number
}

/**
 * One text for all JSON that means the same: keys sorted, no white space. `undefined` where the
 * value is deeper or longer than the bounds, or holds what JSON cannot: such a value has no key.
 */
export function canonicalJson(value: unknown, bounds: Bounds): string | undefined {
  const pen: Pen = { left: bounds.maxLength, parts: [] }
  return write(pen, value, bounds.maxDepth) ? pen.parts.join('') : undefined
}

/**
 * Whether a canonical text says all that the JSON it was made from says to a reader of the bytes:
 * JSON.parse drops all but the last of equal keys, and rounds numbers.
 */
export function isFaithful(canonical: string, json: string): boolean {
  return membersOf(json, true) === membersOf(canonical, false)
}

/** How many members the text holds; -1 for a number that is written in another way than JavaScript's. */
function membersOf(json: string, strict: boolean): number {
  let members = 0
  for (let at = 0; at < json.length; at++) {
    const character = json[at] ?? ''
    if (character === '"') at = endOfString(json, at)
    else if (character === ':') members++
    else if (strict && numeric.has(character) && !'eE+.'.includes(character)) {
      const end = endOfNumber(json, at)
      const number = json.slice(at, end)
      if (String(Number(number)) !== number) return -1
      at = end - 1
    }
  }
  return members
}

// No regular expression: on a long text its stack overflows.
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}

const numeric = new Set('0123456789-+.eE')

function endOfNumber(json: string, start: number): number {
  let at = start
  while (numeric.has(json[at] ?? '')) at++
  return at
}

interface Pen {
  left: number
  readonly parts: string[]
}

function write(pen: Pen, value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return put(pen, value.length > pen.left ? undefined : JSON.stringify(value))
    case 'boolean':
      return put(pen, String(value))
    case 'number':
      // JSON writes 1e400 as null and -0 as 0; the handler sees Infinity and -0.
      return put(pen, Object.is(value, -0) ? '-0' : String(value))
    case 'object':
      if (value === null) return put(pen, 'null')
      if (depth === 0) return false
      return Array.isArray(value) ? writeArray(pen, value, depth) : writeObject(pen, value, depth)
    default:
      return false
  }
}

// No JSON text reads so.
const hole = '~'

function writeArray(pen: Pen, values: readonly unknown[], depth: number): boolean {
  // By index: the methods of arrays skip holes, and `[1,,2]` would read as `[1,2]`.
  for (let at = 0; at < values.length; at++) {
    if (!put(pen, at === 0 ? '[' : ',')) return false
    if (!(at in values ? write(pen, values[at], depth - 1) : put(pen, hole))) return false
  }
  return put(pen, values.length === 0 ? '[]' : ']')
}

function writeObject(pen: Pen, value: object, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  // A Date, a Map or a class has meaning beyond its own keys.
  if (prototype !== null && prototype !== Object.prototype) return false
  const entries = Object.entries(value).sort(byKey)
  const written = entries.every(([key, member], at) => {
    const name = `${at === 0 ? '{' : ','}${JSON.stringify(key)}:`
    return put(pen, name) && write(pen, member, depth - 1)
  })
  return written && put(pen, entries.length === 0 ? '{}' : '}')
}

function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

function put(pen: Pen, text: string | undefined): boolean {
  if (text === undefined || text.length > pen.left) return false
  pen.left -= text.length
  pen.parts.push(text)
  return true
}
