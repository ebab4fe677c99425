import type { Request, Response } from 'express'
import { defaultStore, type StoredMessage } from 'memoryware'
import type { Listener } from './answer.ts'
import type { Answers } from './answers.ts'
import { type Condensed, condense } from './condense.ts'
import { pastTurns, type Reply, replyIdOf, shown, type Trace } from './conversation.ts'
import type { Library } from './library.ts'
import { wordsOf } from './problem.ts'
import { write } from './question.ts'
import { type EventStream, openEventStream } from './sse.ts'

/** What a browser asks. */
export interface Asked {
  readonly id: string
  readonly text: string
}

interface Turn {
  readonly asked: Asked
  readonly condensed: Condensed
  readonly messages: number
  readonly started: number
  readonly memoryMs: number
}

/** Takes one turn: remembers the question, streams the answer, remembers the reply. */
export async function takeTurn(
  req: Request,
  res: Response,
  { asked, library, answers }: { asked: Asked; library: Library; answers: Answers },
): Promise<void> {
  const started = performance.now()
  const { messages } = await req.memory.context()
  const before = messages.filter(({ id }) => id !== asked.id)
  const condensed = condense(asked.text, pastTurns(before, library), library)
  await req.memory.append({ id: asked.id, role: 'user', content: asked.text })
  const memoryMs = performance.now() - started

  const stream = openEventStream(res)
  try {
    const earlier = messages.find(({ id }) => id === replyIdOf(asked.id))
    if (earlier) replay(stream, earlier, library)
    else
      await reply(req, stream, answers, {
        asked,
        condensed,
        messages: before.length,
        started,
        memoryMs,
      })
    stream.send('done', { id: replyIdOf(asked.id) })
  } catch (error) {
    stream.send('error', { message: wordsOf(error) })
  } finally {
    stream.end()
  }
}

// Who leaves in the middle cancels nothing: the answer is finished and kept for when they are back.
async function reply(
  req: Request,
  stream: EventStream,
  answers: Answers,
  turn: Turn,
): Promise<void> {
  const { asked, condensed, started, memoryMs } = turn
  let told = false
  const listener: Listener = {
    sources(sources) {
      told = true
      stream.send('sources', sources)
    },
    delta: (text) => stream.send('delta', { text }),
  }
  const standalone = write(condensed.question)
  const asking = performance.now()
  const { value, status, age } = await answers.withStatus(standalone, listener)
  const answerMs = performance.now() - asking
  if (!told) {
    listener.sources(value.sources)
    listener.delta(value.text)
  }
  const trace: Trace = {
    memory: {
      provider: defaultStore().provider,
      messages: turn.messages,
      turnsUsed: condensed.turnsUsed,
      standalone,
      degraded: req.memory.degraded,
    },
    cache: { status, ageSeconds: age ?? 0, ttl: '10 minutes' },
    limit: limitOf(req),
    ms: { memory: memoryMs, answer: answerMs, total: performance.now() - started },
  }
  const sources = value.sources.map(({ id }) => id)
  const kept: Reply = {
    id: replyIdOf(asked.id),
    role: 'assistant',
    content: value.text,
    sources,
    trace,
  }
  await req.memory.append(kept)
  stream.send('trace', trace)
}

function replay(stream: EventStream, earlier: StoredMessage, library: Library): void {
  const [message] = shown([earlier], library)
  stream.send('sources', message?.sources)
  stream.send('delta', { text: message?.text })
  if (message?.trace) stream.send('trace', message.trace)
}

function limitOf({ rateLimit }: Request): Trace['limit'] {
  const { limit = 0, remaining = 0, reset = 0 } = Object.values(rateLimit.limits)[0] ?? {}
  return { limit, remaining, reset, degraded: rateLimit.degraded }
}
