import { milliseconds } from './words.js'

const bypasses = {
  'no-store': 'The request says no-store: nothing stored is given, and nothing is kept of it.',
  authorization:
    'The request carries Authorization: its answer may be somebody’s own, so it is never shared.',
  cookie: 'The request carries a cookie: its answer may be somebody’s own, so it is never shared.',
  store: 'The store is away: the handler answers without it.',
}

const misses = {
  request: 'The request wants a new answer (no-cache): made now',
  stale: 'What was stored is too old even to be given stale: made anew',
}

/** Why the cache answered as it did. */
export function reasonWords({ status, ttl, fwd, stored, detail }) {
  if (status === 'hit') return `Stored, and fresh for another ${ttl < 1 ? 'moment' : `${ttl} s`}.`
  if (status === 'stale')
    return `Past its life by ${-ttl} s: given at once, while a new one is made.`
  if (status === 'collapsed') return 'An equal request was being answered: this one waited for it.'
  if (status === 'bypass') return bypasses[detail] ?? `The cache stood aside: ${detail}.`
  return `${misses[fwd] ?? 'Nothing was stored: made now'}, ${stored ? 'and kept' : 'and not kept'}.`
}

/** Whether the handler ran for it, and which run of the handler its answer is of. */
export function handlerWords({ status, run }) {
  if (status === 'miss' || status === 'bypass') return `ran: run ${run}`
  return status === 'stale'
    ? `runs behind it; this is of run ${run}`
    : `did not run; this is of run ${run}`
}

/** How long requests took. */
export function tookWords(answers) {
  const [least, ...more] = answers.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const most = milliseconds(more.at(-1) ?? least)
  return milliseconds(least) === most ? most : `${milliseconds(least)} to ${most}`
}

/** What became of many requests: `1 miss, 5 collapsed, 14 hit`. */
export function tallyWords(groups) {
  return groups.map(({ status, answers }) => `${answers.length} ${status}`).join(', ')
}
