import { setTimeout as sleep } from 'node:timers/promises'
import type { Usage } from './usage.ts'

/** A message, as every stack is given it. */
export interface Said {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** One conversation, whoever keeps it: what a chat turn does with it is the same for all. */
export interface Conversation {
  /** The last `count` messages. */
  last(count: number): Promise<readonly unknown[]>
  append(messages: readonly Said[]): Promise<unknown>
  /** Forgets what was said and begins with these. */
  restart(messages: readonly Said[]): Promise<unknown>
  /** Stores a question and reads what was said, in one; absent where only `last()` and `append()` are. */
  readonly ask?: ((question: Said) => Promise<Asked>) | undefined
}

/** A question that is stored, and to be answered. */
export interface Asked {
  /** What was said, the question being the end of it. */
  readonly before: readonly unknown[]
  answer(reply: Said): Promise<unknown>
}

/** How many messages a chat turn reads, and how many are there before the first. */
const windowMessages = 20

/** A context of memoryware begins further on now and then, for the sake of prompt caches: 13 to 20. */
export const fewestMessages = 13

/** How long sessions, histories and answers are kept: longer than a run takes. */
export const keptSeconds = 3600

/** A limit that nobody reaches. */
export const unreachable = 1_000_000_000

/** What GET /answer answers: 2 KB as JSON. */
export const answer: unknown = {
  answer: text('Redis keeps what was asked before. ', 1_500),
  sources: Array.from({ length: 5 }, (_, at) => ({
    title: `Document ${at}`,
    url: `https://example.com/documents/${at}`,
    score: 0.9 - at / 10,
  })),
  model: text('none ', 122),
}

/** What GET /answer64 answers: 64 KB as JSON. */
export const largeAnswer: unknown = { answer: text('Redis keeps what was asked before. ', 65_523) }

/** What GET /answer200 answers: 200 KB as JSON, which no allocator packs. */
export const hugeAnswer: unknown = { answer: text('Redis keeps what was asked. ', 204_787) }

/** What GET /answer256 answers: 256 KB as JSON. */
export const vastAnswer: unknown = { answer: text('Redis keeps what was asked. ', 262_131) }

/** What GET /answer1024 answers: 1 MB as JSON, the largest answer that is kept by default. */
export const largestAnswer: unknown = { answer: text('Redis keeps what was asked. ', 1_048_563) }

/** How long GET /slow works: until all have asked who are to be answered together. */
const slowMs = 400

/** The work of GET /slow. */
export async function slowAnswer(): Promise<unknown> {
  done.runs += 1
  await sleep(slowMs)
  return answer
}

/** What comes of GET /events, and when: the first at once. */
export const events = { count: 3, everyMs: 4 }

/** What comes of GET /events/long: long enough that others join it. */
export const longEvents = { count: 20, everyMs: 50 }

/** What comes of GET /events/idle: one event, and then nothing while anybody looks. */
export const idleEvents = { count: 2, everyMs: 600_000 }

/** The work of a stream of events; each says when it was made, so that readers know its way. */
export async function* eventStream({ count, everyMs }: typeof events): AsyncGenerator<string> {
  done.runs += 1
  for (let at = 0; at < count; at += 1) {
    if (at > 0) await sleep(everyMs)
    yield `id: ${at}\ndata: ${Date.now()}\n\n`
  }
}

const reply = text('That depends on what you mean by it. ', 500)

/** What conversations begin with. */
export const opening: readonly Said[] = Array.from({ length: windowMessages }, (_, at) => ({
  role: at % 2 === 0 ? 'user' : 'assistant',
  content: text(`Message ${at} of those before. `, 500),
}))

const done = { runs: 0, forgetful: 0 }

/** What handlers have done: an answer from a cache is no run. */
export function workDone(): Pick<Usage, 'runs' | 'forgetful'> {
  return done
}

/** The work of GET /limited and GET /answer. */
export function once<T>(value: T): T {
  done.runs += 1
  return value
}

/** The work of POST /chat: read what was said, add a question and its reply. */
export async function chatTurn(conversation: Conversation | undefined, q: string): Promise<object> {
  const { body, kept } = await turnBegun(conversation, q)
  await kept()
  return body
}

/**
 * The work of POST /turn, whose reply is stored after it was given: by POST /kept, so that whoever
 * counts can tell what came before the answer from what came after it.
 */
export async function turnAnswered(
  conversation: Conversation | undefined,
  q: string,
): Promise<object> {
  const { body, kept } = await turnBegun(conversation, q)
  unkept.push(kept)
  return body
}

/** The work of GET /settled: what the request came to is told after the answer, by POST /kept. */
export function answeredUnsettled(limits: Settling): object {
  done.runs += 1
  unkept.push(() => limits.settle({ minute: 3 }))
  return { ok: true }
}

interface Settling {
  settle(used: Readonly<Record<string, number>>): Promise<unknown>
}

/** The work of POST /kept. */
export async function keepReply(): Promise<void> {
  for (const kept of unkept.splice(0)) await kept()
}

const unkept: (() => Promise<unknown>)[] = []

/** Stores a question, or reads what was said: gives what to answer, and what to do then. */
async function turnBegun(
  conversation: Conversation | undefined,
  q: string,
): Promise<{ readonly body: object; readonly kept: () => Promise<unknown> }> {
  done.runs += 1
  const [question, answered] = turn(q)
  const asked = await conversation?.ask?.(question)
  const before = asked?.before ?? (await conversation?.last(windowMessages)) ?? []
  if (before.length < fewestMessages) done.forgetful += 1
  // What was read is needed no longer, in no stack.
  const answer = asked?.answer
  const kept = async () => (answer ? answer(answered) : conversation?.append([question, answered]))
  return { body: { reply, remembered: before.length }, kept }
}

/** A question and its reply. */
export function turn(q: string): readonly [question: Said, reply: Said] {
  return [
    { role: 'user', content: q },
    { role: 'assistant', content: reply },
  ]
}

function text(words: string, length: number): string {
  return words.repeat(Math.ceil(length / words.length)).slice(0, length)
}
