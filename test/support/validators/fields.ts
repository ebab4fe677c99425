/** Anything with members. */
export type Fields = Readonly<Record<string, unknown>>

/** The value where it is an object, else one without members. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

/** The objects of an array; none where it is none. */
export function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : []
}

/** True for text in which there is something. */
export function filled(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** What this package puts on a message, and no provider knows. */
export function ours(message: Fields, ...names: readonly string[]): readonly string[] {
  return names.filter((name) => message[name] !== undefined).map((name) => `has ${name}`)
}

/** Those that occur more than once. */
export function repeated(values: readonly unknown[]): readonly unknown[] {
  return values.filter((value, at) => values.indexOf(value) !== at)
}
