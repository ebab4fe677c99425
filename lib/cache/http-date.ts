const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const time = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'
const short = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const long = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day'
const forms = [
  new RegExp(`^${short}, (?<day>\\d{2}) (?<month>[a-z]{3}) (?<year>\\d{4}) ${time} GMT$`, 'i'),
  new RegExp(`^${long}, (?<day>\\d{2})-(?<month>[a-z]{3})-(?<year>\\d{2}) ${time} GMT$`, 'i'),
  new RegExp(`^${short} (?<month>[a-z]{3}) (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`, 'i'),
]

/**
 * Milliseconds since 1970 of a date in one of the three forms of RFC 9110 section 5.6.7, names in any
 * case; `undefined` for anything else.
 */
export function httpDate(text: string | undefined, now: number = Date.now()): number | undefined {
  if (text === undefined) return undefined
  for (const form of forms) {
    const groups = form.exec(text)?.groups
    if (groups) return toMilliseconds(groups, now)
  }
  return undefined
}

function toMilliseconds(groups: Record<string, string>, now: number): number | undefined {
  const part = (name: string): number => Number(groups[name])
  const month = months.indexOf((groups['month'] ?? '').toLowerCase())
  const [day, hour, minute, second] = [part('day'), part('hour'), part('minute'), part('second')]
  // 60 is a leap second.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined
  const year = fullYear(part('year'), now)
  // A day that the month does not have would roll over into the next.
  if (new Date(Date.UTC(year, month, day)).getUTCDate() !== day) return undefined
  return Date.UTC(year, month, day, hour, minute, second)
}

/** A year of two digits more than 50 years ahead is in the past. */
function fullYear(year: number, now: number): number {
  if (year > 99) return year
  const thisYear = new Date(now).getUTCFullYear()
  const guess = thisYear - (thisYear % 100) + year
  return guess > thisYear + 50 ? guess - 100 : guess
}
