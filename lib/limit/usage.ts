import { isCost } from './amount.ts'

/** Tokens a model says were used; each a whole number of at least 0. */
export interface Tokens {
  /** What was read, with what came out of a cache or went into one. */
  readonly input?: number
  readonly output?: number
  /** As stated; not every provider does. */
  readonly total?: number
}

/** What a value states, and of which answer. */
export interface Statement {
  readonly tokens: Tokens
  /** The provider's id of the answer, where it comes with one. */
  readonly answer: string | undefined
  /** One step of several, all steps together, or an answer that has no steps. */
  readonly scope: 'step' | 'steps' | 'answer'
}

/**
 * The tokens a usage object states, or the response or stream chunk that carries it: of OpenAI's
 * chat completions and Responses, Anthropic's messages, and the AI SDK. `undefined` where there is
 * none. A count that is not a whole number of at least 0 is taken as not stated, so that a broken
 * one gives nothing back. Never throws.
 */
export function tokensOf(given: unknown): Tokens | undefined {
  return statementOf(given)?.tokens
}

/** The same, with the answer it is about. Never throws. */
export function statementOf(given: unknown): Statement | undefined {
  // What streamText() gives has no usage yet, and would read its stream to the end if asked for it.
  if (typeof field(given, 'consumeStream') === 'function') return undefined
  for (const place of places) {
    const { usage, answer, scope = 'answer' } = place(given)
    const tokens = stated(usage)
    if (tokens) return { tokens, answer: typeof answer === 'string' ? answer : undefined, scope }
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

interface Place {
  readonly usage: unknown
  readonly answer?: unknown
  readonly scope?: Statement['scope']
}

/** Where usage is found, what counts for the whole answer before what counts for one step. */
const places: readonly ((given: unknown) => Place)[] = [
  // AI SDK: `finish` parts, and results of generateText(), whose `usage` is of the last step.
  (given) => ({
    usage: field(given, 'totalUsage'),
    answer: field(field(given, 'response'), 'id'),
    scope: 'steps',
  }),
  (given) => ({
    usage: field(given, 'type') === 'finish-step' ? field(given, 'usage') : undefined,
    answer: field(field(given, 'response'), 'id'),
    scope: 'step',
  }),
  // Responses, the last chunk of chat completions, messages, `message_delta`.
  (given) => (isUnderWay(given) ? { usage: undefined } : within(given)),
  // Responses events: `response.completed`, `response.incomplete`.
  (given) => within(field(given, 'response')),
  // Anthropic's `message_start`, whose output has only begun: half of it would free a reservation.
  (given) => {
    const { usage, answer } = within(field(given, 'message'))
    return {
      usage: Object.fromEntries(inputNames.map((name) => [name, field(usage, name)])),
      answer,
    }
  },
  (given) => ({ usage: given }),
]

function within(given: unknown): Place {
  return { usage: field(given, 'usage'), answer: field(given, 'id') }
}

/** Some servers count on each chunk of a chat completion: what counts is the one that ends it. */
function isUnderWay(given: unknown): boolean {
  const choice = field(field(given, 'choices'), '0')
  return (
    typeof field(choice, 'delta') === 'object' && typeof field(choice, 'finish_reason') !== 'string'
  )
}

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
  const [fresh, written, read] = inputNames.map((name) => whole(field(usage, name)))
  return fresh === undefined ? undefined : whole(fresh + (written ?? 0) + (read ?? 0))
}

const inputNames = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens']

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
