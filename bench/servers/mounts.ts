import { createStore, type Memory, type Store } from '../../lib/index.ts'
import type { Place } from './stack.ts'
import { type Asked, type Conversation, keptSeconds, type Said, unreachable } from './work.ts'

/** What of memoryware a stack mounts. */
export type Part =
  | 'limit'
  | 'limits'
  | 'refuse'
  | 'settle'
  | 'composed'
  | 'composed-l2'
  | 'cache'
  | 'cache-l2'
  | 'cache-distinct'
  | 'memory'
  | 'turns'
  | 'all'

/** Options of the middlewares that are mounted; in this order. */
export interface Mounts {
  readonly memory?: { store: Store; ttl: number; context?: { ahead: boolean } }
  readonly limit?: {
    store: Store
    limits: { name: string; limit: number; window: string }[]
    skip?: (native: { readonly path: string }) => boolean
  }
  readonly cache?: {
    store: Store
    ttl: number
    scope: 'public'
    l1?: false | { ttl: number }
    key?: { headers: string[] }
  }
  /** Limit and cache are one middleware. */
  readonly composed?: boolean
}

/** The options of a part: defaults but for sizes and times, so that the stacks do equal work. */
export function mountsOf(part: Part, { redis }: Place): Mounts {
  const store = storeAt(redis)
  const memory = { store, ttl: keptSeconds }
  const stored = { store, ttl: keptSeconds, scope: 'public' } as const
  // With its default of 5 s a hit would now and then be one of Redis, and no count would stand.
  const cache = redis === undefined ? stored : { ...stored, l1: { ttl: keptSeconds } }
  const fromL2 = { ...stored, l1: false } as const
  const limits = (...each: { name: string; limit: number; window: string }[]) => ({
    store,
    limits: each,
  })
  const minute = { name: 'minute', limit: unreachable, window: '1m' }
  const second = { name: 'second', limit: unreachable, window: '1s' }
  const three = limits(second, minute, { name: 'day', limit: unreachable, window: '1d' })
  const parts: Record<Part, Mounts> = {
    limit: { limit: limits(minute) },
    limits: { limit: three },
    // What settles is a request of its own, which is not counted.
    settle: { limit: { ...limits(minute), skip: ({ path }) => path === '/kept' } },
    composed: { limit: three, cache, composed: true },
    'composed-l2': { limit: three, cache: fromL2, composed: true },
    refuse: { limit: limits({ name: 'hour', limit: 1, window: '1h' }) },
    cache: { cache },
    'cache-l2': { cache: fromL2 },
    'cache-distinct': { cache: { ...cache, key: { headers: ['x-distinct'] } } },
    memory: { memory },
    turns: { memory },
    all: {
      memory: { ...memory, context: { ahead: true } },
      limit: limits(minute),
      cache,
      composed: true,
    },
  }
  return parts[part]
}

/** As much as conversations grow by in a slice: with its default of 64 MiB it would drop some, and read less. */
const room = 512 * 1024 ** 2

/** A Cluster is several URLs, separated by commas. */
function storeAt(redis: string | undefined): Store {
  if (redis === undefined) return createStore({ maxBytes: room })
  return createStore(redis.includes(',') ? { cluster: redis.split(',') } : { url: redis })
}

/** The conversation that `sessionMemory()` opened; for `turns`, it is asked by `turn()`. */
export function conversationOf(memory: Memory, part: Part): Conversation {
  return {
    // Not spread in: V8 would make hidden classes for each request, which nobody else's needs.
    ask: part === 'turns' ? (question) => ask(memory, question) : undefined,
    last: async (count) => (await memory.context({ messages: count })).messages,
    append: (messages) => memory.append(messages),
    async restart(messages) {
      await memory.delete()
      await memory.append(messages)
    },
  }
}

async function ask(memory: Memory, question: Said): Promise<Asked> {
  const turn = await memory.turn(question)
  return {
    before: (await turn.context()).messages,
    answer: (reply) => turn.commit(reply),
  }
}
