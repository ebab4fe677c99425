// The ending, and how many letters must stay before it.
const endings: readonly (readonly [string, number])[] = [
  ['ation', 4],
  ['ating', 5],
  ['ated', 5],
  ['ate', 5],
  ['ion', 5],
  ['ing', 4],
  ['ed', 3],
  ['er', 5],
  ['e', 4],
  ['y', 5],
]

// Forms that no ending leads to.
const irregular = new Map(
  Object.entries({
    write: 'wrote written',
    break: 'broke broken',
    keep: 'kept',
    send: 'sent',
    build: 'built',
    lose: 'lost',
    find: 'found',
    hold: 'held',
    choose: 'chose chosen',
    run: 'ran',
    make: 'made making',
    read: 'reader reading',
    leave: 'left',
    begin: 'began begun',
    forget: 'forgot forgotten forgets',
    live: 'life lives living lifetime',
    use: 'uses used using usage',
    type: 'types typed typing',
  }).flatMap(([base, forms]) => forms.split(' ').map((form) => [form, base] as const)),
)

/** One form for the inflections of a word: `limits`, `limited`, `limiting`, `limiter` are `limit`. */
export function stem(word: string): string {
  const lower = word.toLowerCase()
  return withoutEnding(irregular.get(lower) ?? withoutPlural(lower))
}

function withoutPlural(word: string): string {
  if (word.length > 4 && /ie[sd]$/u.test(word)) return `${word.slice(0, -3)}y`
  if (word.length > 4 && /(?:ss|x|ch|sh)es$/u.test(word)) return word.slice(0, -2)
  if (word.length > 3 && /[^su]s$/u.test(word) && !word.endsWith('is')) return word.slice(0, -1)
  return word
}

function withoutEnding(word: string): string {
  for (const [ending, least] of endings) {
    if (word.length < ending.length + least || !word.endsWith(ending)) continue
    const rest = word.slice(0, -ending.length)
    if (!/[aeiouy]/u.test(rest)) continue
    return undoubled(rest)
  }
  return word
}

// `trimmed` is `trim`, but `call` keeps its two letters.
function undoubled(word: string): string {
  return /([bdgmnprt])\1$/u.test(word) ? word.slice(0, -1) : word
}
