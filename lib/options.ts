import { OptionError } from './errors.ts'

/** The names an options interface has: a name left out of `table` is a type error. */
export type Names<Options> = Record<keyof Required<Options>, true>

/**
 * Refuses anything but an object with known names: a misspelt option is an error, never the default.
 *
 * @throws OptionError naming the unknown option and the nearest known one.
 */
export function checkNames<Options extends object>(
  where: string,
  options: Options,
  table: Names<Options>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OptionError(where, 'an object', options)
  const known = Object.keys(table)
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(table, name))
      throw new OptionError(`${where}.${name}`, `one of ${known.join(', ')}`, value)
  }
}

/** A whole number from `min` up to `max`. @throws OptionError otherwise. */
export function wholeNumber(
  option: string,
  value: unknown,
  { min = 1, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
    return value as number
  const range =
    max === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${min}`
      : `a whole number from ${min} to ${max}`
  throw new OptionError(option, range, value)
}

/** One of the listed values. @throws OptionError otherwise. */
export function oneOf<T extends string | boolean>(
  option: string,
  value: unknown,
  allowed: readonly T[],
): T {
  if (allowed.includes(value as T)) return value as T
  throw new OptionError(option, allowed.map((each) => JSON.stringify(each)).join(' or '), value)
}

/** A function, or undefined. @throws OptionError otherwise. */
export function optionalFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw new OptionError(option, 'a function', value)
}
