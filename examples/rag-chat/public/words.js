const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** How long ago, in words. */
export function ago(time, now = Date.now()) {
  const seconds = Math.round((time - now) / 1000)
  if (seconds > -45) return 'just now'
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), 'minute')
  if (seconds > -86_400) return relative.format(Math.round(seconds / 3600), 'hour')
  return relative.format(Math.round(seconds / 86_400), 'day')
}

/** A number with its noun: `1 message`, `2 messages`. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Milliseconds as one would say them. */
export function milliseconds(ms) {
  if (ms < 1) return 'under 1 ms'
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Seconds as one would say them. */
export function duration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds))
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`
}

/** How an answer ended that is not whole. */
export function stateWords(status) {
  return status === 'aborted' ? 'Stopped' : 'Broke off'
}

/** Why the cache answered as it did; nothing is known of it before an answer is whole. */
export function cacheWords(cache) {
  if (cache === undefined) return 'Kept for everybody once the answer is whole.'
  const { status, ageSeconds, ttl } = cache
  if (status === 'hit')
    return `The same question was answered ${ageSeconds < 1 ? 'just now' : `${duration(ageSeconds)} ago`}: nothing was searched or written anew.`
  if (status === 'collapsed')
    return 'Somebody asked the same at this moment: it was answered once, for both.'
  if (status === 'bypass') return 'The store is away: answered without it, nothing kept.'
  return `Not asked before: searched and answered now, kept for ${ttl}.`
}

/** What memory handed over, and what that changed. */
export function memoryWords({ messages, turnsUsed, degraded }) {
  if (degraded && messages === 0)
    return 'The store is away: nothing earlier can be read, this turn is kept in this process until it is back.'
  const read =
    messages === 0 ? 'First turn: nothing to read.' : `${count(messages, 'earlier message')} read.`
  const used = turnsUsed === 0 ? '' : ` ${count(turnsUsed, 'turn')} needed to understand this one.`
  return `${read}${used}${degraded ? ' The store is away: kept in this process until it is back.' : ''}`
}

/** What is left of the limit. */
export function limitWords({ limit, remaining, reset, degraded }) {
  const left = `${remaining} of ${limit} left, more in ${duration(reset)}.`
  return degraded ? `${left} The store is away: counted in this process.` : left
}
