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

function writeArray(pen: Pen, values: readonly unknown[], depth: number): boolean {
  const written = values.every((value, at) => {
    return put(pen, at === 0 ? '[' : ',') && write(pen, value, depth - 1)
  })
  return written && put(pen, values.length === 0 ? '[]' : ']')
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
