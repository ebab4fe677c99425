/** Fields of a value from elsewhere, none of them known to be there. */
export type Fields<Name extends string> = { readonly [Key in Name]?: unknown }

/** A value as an object whose fields may be asked for; what is no object has none. */
export function fieldsOf<Name extends string>(value: unknown): Fields<Name> {
  return typeof value === 'object' && value !== null ? (value as Fields<Name>) : {}
}

/** The value where it is a text, else the empty text. */
export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The value where it is a list, else an empty one. */
export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** What is left of a value after it was written as JSON and read again; `null` where it has no such form. */
export function plain(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null')
  } catch {
    return null
  }
}

/** The value a text holds as JSON, or `undefined` where it is none; JSON cannot say `undefined`. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Lays one value over another, field by field; `how` says what becomes of two that are no objects. */
export function combined(
  before: unknown,
  now: unknown,
  how: (before: unknown, now: unknown, field?: string) => unknown,
  name?: string,
): unknown {
  if (now === undefined) return before
  if (!isFields(before) || !isFields(now)) return how(before, now, name)
  // A map, and no assignments: a field named `__proto__` must not become a prototype.
  const fields = new Map(Object.entries(before))
  for (const [field, value] of Object.entries(now))
    fields.set(field, combined(fields.get(field), value, how, field))
  return Object.fromEntries(fields)
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
