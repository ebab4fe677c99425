import type { Store, StoredAnswer, Turn, TurnSource } from '../../lib/index.ts'
import type { App, Exchange, Framework, Mounts } from './apps.ts'

/** An app that answers questions by turns. */
export interface ChatApp extends App {
  /** Asks, and gives the response as soon as its head is there. */
  ask(content: string, options?: AskOptions): Promise<Response>
  /** What is stored, oldest first. */
  history(): Promise<StoredAnswer[]>
  resume(lastEventId?: string): Promise<Response>
  stop(): Promise<boolean>
}

/** How to ask. */
interface AskOptions {
  readonly id?: string
  readonly as?: 'sse' | 'ui' | 'text'
  readonly signal?: AbortSignal
  readonly plain?: boolean
}

/** How the app answers: text for `plain` questions, a source for others. */
export type Answers = (turn: Turn, content: string) => TurnSource

/** Serves the app; each question is of the user ann and her session `default`. */
export async function serveChat(
  framework: Framework,
  store: Store,
  answers: Answers,
  options: Mounts['memory'] = {},
): Promise<ChatApp> {
  const app = await framework.serve({ memory: { store, ...options } }, (exchange) =>
    answer(exchange, answers),
  )
  return { ...app, ...chatClient(app.url) }
}

/** Talks to such an app, in whatever process it is. */
export function chatClient(url: string): Omit<ChatApp, keyof App> {
  const headers = { 'x-user': 'ann' }
  const post = (query: Record<string, string>, init: RequestInit = {}) =>
    fetch(`${url}/?${new URLSearchParams(query)}`, { method: 'POST', headers, ...init })
  return {
    ask(content, { id, as, signal, plain } = {}) {
      const query = {
        ask: content,
        ...(id && { id }),
        ...(as && { as }),
        ...(plain && { plain: '' }),
      }
      return post(query, signal ? { signal } : {})
    },
    history: async () => (await (await post({ history: '' })).json()) as StoredAnswer[],
    resume: (lastEventId) =>
      post(
        { resume: '' },
        { headers: lastEventId ? { ...headers, 'last-event-id': lastEventId } : headers },
      ),
    stop: async () => (await (await post({ stop: '' })).json()) as boolean,
  }
}

/** Handles a request of a chat. */
async function answer(exchange: Exchange, answers: Answers): Promise<void> {
  const { memory, query, target, send } = exchange
  const as = (query.get('as') ?? 'sse') as 'sse' | 'ui' | 'text'
  if (query.has('history')) {
    const { items } = await memory.history({ limit: 1000 })
    return send(200, JSON.stringify(items))
  }
  if (query.has('stop')) return send(200, JSON.stringify(await memory.stop()))
  if (query.has('resume')) {
    const lastEventId = exchange.header('last-event-id')
    if (!(await memory.resume(target, { as, lastEventId }))) send(204, '')
    return
  }
  const content = query.get('ask') ?? ''
  const id = query.get('id')
  const turn = await memory.turn({ role: 'user', content, ...(id !== null && { id }) })
  if (turn.replay || turn.joined) {
    await turn.pipe(undefined, target, { as })
    return
  }
  const source = answers(turn, content)
  if (query.has('plain')) {
    const stored = await turn.commit({ role: 'assistant', content: String(source) })
    return send(200, JSON.stringify(stored))
  }
  await turn.pipe(source, target, { as })
}
