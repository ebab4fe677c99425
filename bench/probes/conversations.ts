import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { RedisChatMessageHistory } from '@langchain/redis'
import { Redis } from 'ioredis'
import { memoriesOf, said, storeAt } from './memories.ts'

/** Who keeps conversations: memoryware, one JSON value a conversation, or LangChain. */
export type Keeper = 'memoryware' | 'one value' | 'LangChain'

/** A conversation whose growth is measured, whoever keeps it. */
interface Kept {
  /** Forgets what was said and begins with so many messages. */
  restart(length: number): Promise<unknown>
  /** Adds a question and its reply. */
  append(): Promise<unknown>
  /** The last 20 messages. */
  read(): Promise<unknown>
}

/** Conversations by name, and an end to what keeps them. */
export interface Conversations {
  open(name: string): Kept
  close(): Promise<unknown>
}

const keptSeconds = 3600
const window = 20
/** A script takes no more arguments than fit on its stack. */
const piece = 500

/** Opens conversations on the Redis at a URL; memoryware without one in this process. */
export async function conversations(
  keeper: Keeper,
  url: string | undefined,
): Promise<Conversations> {
  if (keeper === 'memoryware') return ours(url)
  if (url === undefined) throw new Error(`${keeper} keeps conversations on Redis only`)
  return keeper === 'one value' ? asOneValue(url) : await inLangchain(url)
}

function ours(url: string | undefined): Conversations {
  const store = storeAt(url)
  // What is stored is not counted in tokens: that would hide what the store does with it.
  const memoryOf = memoriesOf({
    ...{ store, ttl: keptSeconds, maxStored: 100_000 },
    context: { count: () => 1 },
  })
  return {
    open(name) {
      const memory = memoryOf('ann', name)
      return {
        async restart(length) {
          await memory.delete()
          for (let left = length; left > 0; left -= piece)
            await memory.append(said(Math.min(piece, left)))
        },
        append: () => memory.append(said(2)),
        read: () => memory.history({ limit: window }),
      }
    },
    close: () => store.close(),
  }
}

/** What is often begun with: GET, parse, push, stringify, SET. */
function asOneValue(url: string): Conversations {
  const client = new Redis(url)
  const load = async (key: string) => JSON.parse((await client.get(key)) ?? '[]') as unknown[]
  const save = (key: string, messages: readonly unknown[]) =>
    client.set(key, JSON.stringify(messages), 'EX', keptSeconds)
  return {
    open: (name) => ({
      restart: (length) => save(name, said(length)),
      append: async () => save(name, [...(await load(name)), ...said(2)]),
      read: async () => (await load(name)).slice(-window),
    }),
    close: () => client.quit(),
  }
}

async function inLangchain(url: string): Promise<Conversations> {
  // One client for all, as it makes one for each `config` object.
  const config = { url }
  const historyOf = (sessionId: string) =>
    new RedisChatMessageHistory({ sessionId, sessionTTL: keptSeconds, config })
  await historyOf('first').getMessages()
  const messages = (count: number) =>
    said(count).map(({ role, content }) =>
      role === 'user' ? new HumanMessage(content) : new AIMessage(content),
    )
  return {
    open(name) {
      const history = historyOf(name)
      return {
        async restart(length) {
          await history.clear()
          await Promise.all(messages(length).map((each) => history.addMessage(each)))
        },
        append: () => history.addMessages(messages(2)),
        read: async () => (await history.getMessages()).slice(-window),
      }
    },
    // Its client is not given out: it ends with the process.
    close: async () => {},
  }
}
