/** An object of which nothing is known yet: what came from outside, or was stored long ago. */
export type Shape = Readonly<Record<string, unknown>>

/** True for an object that is no array. */
export function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of an array; nothing where it is none. */
export function shapesOf(value: unknown): readonly Shape[] {
  return Array.isArray(value) ? value.filter(isShape) : []
}

/** The value where it is text, else `undefined`. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The value where it is text of at least one character, else `undefined`. */
export function someText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The shape without these members. */
export function without(shape: Shape, ...names: readonly string[]): Shape {
  return Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name)))
}

/** Those of these members that are there. */
export function only(shape: Shape, ...names: readonly string[]): Shape {
  return Object.fromEntries(Object.entries(shape).filter(([name]) => names.includes(name)))
}

/** How many levels of objects and arrays a value may have: of many more JSON can be read, but not made. */
export const deepest = 1000

/** Text as it is, everything else as JSON; nothing for what is too deep. */
export function written(value: unknown): string {
  if (typeof value === 'string') return value
  return isTooDeep(value) ? '' : (JSON.stringify(value) ?? '')
}

/** What JSON says; text that is none, or is too deep, stays text. */
export function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isTooDeep(value) ? text : value
  } catch {
    return text
  }
}

/** Whether a value has more than `deepest` levels; of bytes nothing is looked at. */
export function isTooDeep(value: unknown): boolean {
  // Without recursion: what is too deep would be so for this as well.
  const open: [value: unknown, level: number][] = [[value, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [each, level] = next
    if (typeof each !== 'object' || each === null || ArrayBuffer.isView(each)) continue
    if (level === deepest) return true
    for (const inner of Object.values(each))
      if (typeof inner === 'object') open.push([inner, level + 1])
  }
  return false
}
