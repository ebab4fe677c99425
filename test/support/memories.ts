import type { Memory, Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts } from './apps.ts'

/** Who asks for a memory, and how. */
interface Asker {
  /** @default 'ann' */
  readonly user?: string | undefined
  /** @default 'default' */
  readonly session?: string | undefined
  readonly cookie?: string | undefined
  readonly mounts?: Omit<Mounts, 'memory'>
}

/** What a task with a memory came to, and the cookies that its request has set. */
interface Asked<T> {
  readonly result: T
  readonly cookie: string | undefined
}

/** An app whose handler runs what a test hands in, with the memory of a request. */
export interface Memories {
  /** Runs a task in a request; what it throws comes out here. */
  as<T>(asker: Asker, task: (memory: Memory, exchange: Exchange) => Promise<T>): Promise<Asked<T>>
  /** The same, for the user `ann`, without the cookies. */
  ann<T>(task: (memory: Memory) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Serves memories of one store to tests; Express stands for both frameworks. */
export async function serveMemories(
  store: Store,
  options: Mounts['memory'] = {},
): Promise<Memories> {
  const [express] = frameworks
  if (express === undefined) throw new Error('There is no framework')
  const tasks = new Map<string, (exchange: Exchange) => Promise<void>>()
  const app: App = await express.serve({ memory: { store, ...options } }, async (exchange) => {
    await tasks.get(exchange.query.get('task') ?? '')?.(exchange)
    exchange.send(204, '')
  })
  let count = 0

  async function as<T>(
    { user = 'ann', session = 'default', cookie }: Asker,
    task: (memory: Memory, exchange: Exchange) => Promise<T>,
  ): Promise<Asked<T>> {
    const name = String(++count)
    const outcome: { result?: T; error?: unknown } = {}
    tasks.set(name, async (exchange) => {
      try {
        outcome.result = await task(exchange.memory, exchange)
      } catch (error) {
        outcome.error = error
      }
    })
    const headers = {
      'x-session-id': session,
      ...(user === '' ? {} : { 'x-user': user }),
      ...(cookie === undefined ? {} : { cookie }),
    }
    const answer = await fetch(`${app.url}/?task=${name}`, { method: 'POST', headers })
    tasks.delete(name)
    if ('error' in outcome) throw outcome.error
    const set = answer.headers.getSetCookie().at(-1)
    return { result: outcome.result as T, cookie: set?.split(';')[0] }
  }

  return {
    as,
    ann: async (task) => (await as({}, task)).result,
    close: () => app.close(),
  }
}
