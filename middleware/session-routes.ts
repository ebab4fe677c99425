import { Readable } from 'node:stream'
import { RequestError, StoreError } from '../lib/errors.ts'
import { notFound } from '../lib/history/refusal.ts'
import type { SessionChanges } from '../lib/history/session-changes.ts'
import type { Answer } from './memory-answer.ts'
import { existing, numberOf, onlyMembers, type Visit } from './memory-visit.ts'

/** What a path does, by method. */
export type Route = Readonly<Record<string, (visit: Visit) => Promise<Answer | 'answered'>>>

/** What can be done with one session. */
export const sessionRoute: Route = {
  GET: async (visit) => ({ status: 200, json: await existing(visit) }),
  PATCH: change,
  DELETE: async ({ memory }) => {
    if (!(await memory.delete())) throw notFound()
    return { status: 204 }
  },
}

/** What can be done with a part of one session, by the word behind its id. */
export const partRoutes: Readonly<Record<string, Route>> = {
  messages: {
    GET: async (visit) => {
      const before = numberOf(visit, 'before')
      const limit = numberOf(visit, 'limit')
      const page = visit.memory.history({
        ...(before === undefined ? {} : { before }),
        ...(limit === undefined ? {} : { limit }),
      })
      const [, json] = await Promise.all([existing(visit), page])
      return { status: 200, json }
    },
  },
  state: {
    GET: async (visit) => {
      await existing(visit)
      return { status: 200, json: await visit.memory.state.all() }
    },
  },
  export: {
    GET: async (visit) => {
      await existing(visit)
      return attachment('session.jsonl', visit.memory.export(), visit)
    },
  },
  rewind: {
    POST: async (visit) => {
      const { message } = await onlyMembers(visit, ['message'])
      if (message === undefined) throw new RequestError(400, 'message must name a message')
      const removed = await visit.memory.rewind(messageId(message))
      return { status: 200, json: { removed } }
    },
  },
  stop: { POST: stop },
  stream: { GET: follow },
  fork: {
    POST: async (visit) => {
      const { message } = await onlyMembers(visit, ['message'])
      const fork = await visit.memory.fork(message === undefined ? undefined : messageId(message))
      const fields = { Location: `${visit.base}/${encodeURIComponent(fork.id)}` }
      return { status: 201, fields, json: await fork.info() }
    },
  },
}

type StreamForm = 'sse' | 'ui' | 'text'

const streamForms: readonly string[] = ['sse', 'ui', 'text'] satisfies StreamForm[]

/** Asks whoever answers now, or the message named, to stop. */
async function stop(visit: Visit): Promise<Answer> {
  const { message } = await onlyMembers(visit, ['message'])
  await existing(visit)
  const stopped = await visit.memory.stop(message === undefined ? undefined : messageId(message))
  return stopped ? { status: 202, json: { stopped } } : { status: 204 }
}

/** Follows the answer that is being given, from where the client lost it. */
async function follow(visit: Visit): Promise<Answer | 'answered'> {
  await existing(visit)
  const { memory, target, lastEventId, head, query } = visit
  const as = query.get('as') ?? 'sse'
  if (!streamForms.includes(as))
    throw new RequestError(400, `as must be one of ${streamForms.join(', ')}`)
  if (head) return { status: 204 }
  const begun = await memory.resume(target, { as: as as StreamForm, lastEventId })
  return begun ? 'answered' : { status: 204 }
}

const tries = 5

/** Changes a session that is there: `set()` alone would make one. */
async function change(visit: Visit): Promise<Answer> {
  const { memory } = visit
  const changes: SessionChanges = await onlyMembers(visit, ['title', 'pinned', 'meta'])
  for (let attempt = 1; ; attempt += 1) {
    const { rev } = await existing(visit)
    try {
      await memory.set(changes, { ifRev: rev })
      return { status: 200, json: await existing(visit) }
    } catch (error) {
      const met = error instanceof StoreError && error.reason === 'conflict'
      if (!met || attempt === tries) throw error
    }
  }
}

/** Lines as a file. Its first line is there before the answer begins: until then it may fail. */
export async function attachment(
  name: string,
  lines: AsyncIterable<string>,
  { head }: Visit,
): Promise<Answer> {
  const fields = {
    'Content-Type': 'application/jsonl',
    'Content-Disposition': `attachment; filename="${name}"`,
  }
  if (head) return { status: 200, fields }
  const rest = lines[Symbol.asyncIterator]()
  const first = await rest.next()
  return { status: 200, fields, body: Readable.from(resumed(first, rest)) }
}

async function* resumed(
  first: IteratorResult<string, unknown>,
  rest: AsyncIterator<string>,
): AsyncGenerator<string> {
  try {
    for (let step = first; step.done !== true; step = await rest.next()) yield step.value
  } finally {
    await rest.return?.()
  }
}

function messageId(message: unknown): string {
  if (typeof message === 'string') return message
  throw new RequestError(400, 'message must be the id of a message')
}
