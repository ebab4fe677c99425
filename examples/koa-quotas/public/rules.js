/** The rules as the page tells of them, by their names. */
export const rules = {
  requests: { title: 'Requests a minute', unit: 'request', whose: 'user' },
  'tokens-minute': { title: 'Tokens a minute', unit: 'token', whose: 'user', plan: true },
  'tokens-day': { title: 'Tokens a day', unit: 'token', whose: 'tenant', plan: true },
  streams: { title: 'Answers at once', unit: 'answer', whose: 'user', plan: true },
  pace: { title: 'Pace in 10 s', unit: 'request', whose: 'user', shadow: true },
}

const digits = new Intl.NumberFormat('en')

/** A number as one reads it. */
export function number(value) {
  return digits.format(value)
}

/** A number with its noun: `1 token`, `2 tokens`. */
export function count(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Seconds as one would say them. */
export function duration(seconds) {
  if (seconds < 100) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}

/** Names of rules, as a sentence has them. */
export function titles(names) {
  const words = names.map((name) => (rules[name]?.title ?? name).toLowerCase())
  return new Intl.ListFormat('en').format(words)
}
