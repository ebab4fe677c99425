/** What every key that the middlewares write starts with. */
export const families: readonly string[] = ['session:', 'user:', 'limit:', 'cache:', 'sess:']

const kinds: readonly (readonly [RegExp, string])[] = [
  [/^session:\{[^{}]*\}$/, 'list of sessions'],
  [/^session:\{[^{}]*\}:[^:]+$/, 'session'],
  [/^session:\{[^{}]*\}:[^:]+:m$/, 'messages'],
  [/^session:\{[^{}]*\}:[^:]+:state$/, 'state of a session'],
  [/^session:\{[^{}]*\}:/, 'turn'],
  [/^user:\{[^{}]*\}:/, 'values of a user'],
  [/^limit:\{[^{}]*\}:/, 'limit'],
  [/^cache:purged:\{/, 'purge'],
  [/^cache:\{[^{}]*\}/, 'cached response'],
  [/^sess:/, 'login session'],
]

/** What is kept under a key, without whose it is; `undefined` for a key of another program. */
export function kindOf(key: string): string | undefined {
  return kinds.find(([pattern]) => pattern.test(key))?.[1]
}
