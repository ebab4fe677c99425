import type { Request, Response } from 'express'
import { defaultStore, type Turn } from 'memoryware'
import type { Source } from './answer.ts'
import type { Answers, Told } from './answers.ts'
import { condense } from './condense.ts'
import { pastTurns, type Trace } from './conversation.ts'
import type { Library } from './library.ts'
import { report, wordsOf } from './problem.ts'
import { write } from './question.ts'
import { typed } from './typing.ts'

/** What a browser asks. */
export interface Asked {
  readonly id: string
  readonly text: string
  /** Not out of the cache: the last answer was not what was wanted. */
  readonly fresh: boolean
}

/** What answers are made of. */
export interface TurnParts {
  readonly library: Library
  readonly answers: Answers
  /** Milliseconds between two words of an answer that is there at once. */
  readonly typingMs: number
  /** Aborted when the server ends: what there is of an answer is kept. */
  readonly closing: AbortSignal
}

interface Part {
  readonly type: `data-${string}`
  readonly id?: string
  readonly data: unknown
  readonly transient?: boolean
}

type Whole = Extract<Told, { kind: 'whole' }>

type Piece = string | Part | { readonly type: 'error'; readonly errorText: string }

/**
 * Takes one turn: remembers the question, streams the answer, remembers it. Asked again with the same
 * id it sends the same answer; who leaves in the middle cancels nothing.
 */
export async function takeTurn(
  req: Request,
  res: Response,
  asked: Asked,
  parts: TurnParts,
): Promise<void> {
  const started = performance.now()
  const question = { id: asked.id, role: 'user', content: asked.text } as const
  const turn = await req.memory.turn(question, { signal: parts.closing })
  const elsewhere = turn.replay !== undefined || turn.joined
  const answer = elsewhere ? undefined : answerTo(turn, req, { asked, started, ...parts })
  try {
    await turn.pipe(answer, res)
  } catch (error) {
    // The client has heard of it in the stream.
    report(error)
  }
}

interface Asking extends TurnParts {
  readonly asked: Asked
  readonly started: number
}

async function* answerTo(turn: Turn, req: Request, asking: Asking): AsyncGenerator<Piece> {
  try {
    yield* piecesOf(turn, req, asking)
  } catch (error) {
    if (!turn.signal.aborted) yield { type: 'error', errorText: wordsOf(error) }
    throw error
  }
}

async function* piecesOf(turn: Turn, req: Request, asking: Asking): AsyncGenerator<Piece> {
  const { standalone, begun } = await understand(turn, req, asking)
  const { asked, started, answers, typingMs } = asking
  if (asked.fresh) await answers.forget(standalone)
  const since = performance.now()
  let heard = false
  for await (const told of answers.follow(standalone, turn.signal)) {
    if (told.kind === 'delta') yield told.text
    else if (told.kind === 'sources') {
      heard = true
      yield* restsOn(told.sources)
      yield traced(begun)
    } else {
      const trace = traced({ ...begun, ...measured(told, started, since) })
      yield* heard ? [trace] : sayAll(told, trace, typingMs, turn.signal)
    }
  }
}

/** The question as one that can be understood alone, and what memory had to do with it. */
async function understand(turn: Turn, req: Request, { asked, library }: Asking) {
  const { messages } = await turn.context()
  const before = messages.filter(({ id }) => id !== asked.id)
  const { question, turnsUsed } = condense(asked.text, pastTurns(before, library), library)
  const standalone = write(question)
  const { provider } = defaultStore()
  const { degraded } = turn
  const memory = { provider, messages: before.length, turnsUsed, standalone, degraded }
  return { standalone, begun: { memory, limit: limitOf(req) } satisfies Trace }
}

function measured({ status, age }: Whole, started: number, since: number) {
  const now = performance.now()
  return {
    cache: { status, ageSeconds: age, ttl: '10 minutes' },
    ms: { memory: since - started, answer: now - since, total: now - started },
  } satisfies Partial<Trace>
}

/** An answer that is there at once. What was answered before is said faster. */
async function* sayAll({ value, status }: Whole, trace: Part, typingMs: number, stop: AbortSignal) {
  yield* restsOn(value.sources)
  yield trace
  yield* typed(value.text, status === 'hit' ? typingMs / 3 : typingMs, stop)
}

/** The sources with their texts for who is there now; kept are their ids, the library has the rest. */
function* restsOn(sources: readonly Source[]): Generator<Part> {
  yield { type: 'data-sources', data: sources, transient: true }
  yield { type: 'data-cited', data: sources.map(({ id }) => id) }
}

/** A second one takes the place of the first. */
function traced(trace: Trace): Part {
  return { type: 'data-trace', id: 'trace', data: trace }
}

function limitOf({ rateLimit }: Request): Trace['limit'] {
  const { limit = 0, remaining = 0, reset = 0 } = Object.values(rateLimit.limits)[0] ?? {}
  return { limit, remaining, reset, degraded: rateLimit.degraded }
}
