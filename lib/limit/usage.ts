import { isCost } from './amount.ts'

/** Tokens a model says were used; each a whole number of at least 0. */
export interface Tokens {
  /** What was read, with what came out of a cache or went into one. */
  readonly input?: number
  readonly output?: number
  /** As stated; not every provider does. */
  readonly total?: number
}

/**
 * The tokens a usage object states, or the response or stream chunk that carries it: of OpenAI's
 * chat completions and Responses, Anthropic's messages, and the AI SDK. `undefined` where there is
 * none. A count that is not a whole number of at least 0 is taken as not stated, so that a broken
 * one gives nothing back. Never throws.
 */
export function tokensOf(given: unknown): Tokens | undefined {
  // What streamText() gives has no usage yet, and would read its stream to the end if asked for it.
  if (typeof field(given, 'consumeStream') === 'function') return undefined
  for (const place of places) {
    const tokens = stated(place(given))
    if (tokens) return tokens
  }
  return undefined
}

/**
 * What a stream has stated so far: what comes later holds, for each count it names, since providers
 * state how much it is by then. A total is of its own chunk, and goes when only parts of it are
 * stated anew.
 */
export function mergeTokens(before: Tokens | undefined, after: Tokens | undefined): Tokens {
  const { total, ...parts } = before ?? {}
  const stale = after?.input !== undefined || after?.output !== undefined
  return { ...parts, ...(!stale && total !== undefined && { total }), ...after }
}

/**
 * All tokens: the total as stated, else input and output. `undefined` where one of these is not
 * known, since half of it would give back too much.
 */
export function totalOf({ input, output, total }: Tokens): number | undefined {
  if (total !== undefined) return total
  return whole(input === undefined || output === undefined ? undefined : input + output)
}

/** Where usage is found, what counts for the whole answer before what counts for one step. */
const places: readonly ((given: unknown) => unknown)[] = [
  // AI SDK: `finish` parts, and results of generateText(), whose `usage` is of the last step.
  (given) => field(given, 'totalUsage'),
  // Responses, the last chunk of chat completions, `message_delta`, `finish-step`.
  (given) => field(given, 'usage'),
  // Responses events: `response.completed`, `response.incomplete`.
  (given) => field(field(given, 'response'), 'usage'),
  // Anthropic's `message_start`.
  (given) => field(field(given, 'message'), 'usage'),
  (given) => given,
]

function stated(usage: unknown): Tokens | undefined {
  const input = first(usage, ['prompt_tokens', 'inputTokens']) ?? inputOf(usage)
  const output = first(usage, ['completion_tokens', 'output_tokens', 'outputTokens'])
  const total = first(usage, ['total_tokens', 'totalTokens'])
  if (input === undefined && output === undefined && total === undefined) return undefined
  return {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(total !== undefined && { total }),
  }
}

/** Anthropic counts what a cache took in or gave apart from the rest of the input, OpenAI within it. */
function inputOf(usage: unknown): number | undefined {
  const fresh = first(usage, ['input_tokens'])
  if (fresh === undefined) return undefined
  const written = first(usage, ['cache_creation_input_tokens']) ?? 0
  const read = first(usage, ['cache_read_input_tokens']) ?? 0
  return whole(fresh + written + read)
}

function first(usage: unknown, names: readonly string[]): number | undefined {
  return names.map((name) => whole(field(usage, name))).find((count) => count !== undefined)
}

function whole(count: unknown): number | undefined {
  return isCost(count) ? count : undefined
}

/** A field of a value from elsewhere; one that cannot be read is not there. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return (value as Readonly<Record<string, unknown>>)[name]
  } catch {
    return undefined
  }
}
