import { isDeepStrictEqual } from 'node:util'
import type { AgentInputItem, Session } from '@openai/agents-core'
import { StoreError } from '../lib/errors.ts'
import { withSummary } from '../lib/history/context.ts'
import { rendered } from '../lib/history/formats/rendered.ts'
import { isShape, type Shape, shapesOf } from '../lib/history/formats/shape.ts'
import type { ContextRequest, Memory } from '../lib/history/memory.ts'
import type { AnyMessage, StoredMessage } from '../lib/history/message.ts'
import { agentItem, toAgentItem, toResponseItem } from './agent-items.ts'
import { inRuns, newestMessages, toSource } from './stored-runs.ts'

/** How much of a conversation `getItems()` gives where nobody asks for a number. */
export type OpenaiSessionOptions = Pick<ContextRequest, 'messages' | 'tokens'>

const tries = 10

/**
 * A conversation as a session of the OpenAI Agents SDK, for `run(agent, input, { session })`.
 *
 * `getItems()` gives what a model is to see, as `memory.context()` does: the end of the conversation
 * from the beginning of a turn, each call with its result; the summary, where there is one, is a system
 * message. `getItems(limit)` gives the newest items as they are, `popItem()` removes the newest:
 * of a message that came in another format, all of it. `addItems()` is one atomic append;
 * `clearSession()` deletes the session.
 */
export function openaiSession(memory: Memory, options: OpenaiSessionOptions = {}): Session {
  return {
    getSessionId: async () => memory.id,
    getItems: async (limit) =>
      limit === undefined ? windowOf(memory, options) : newestItems(memory, limit),
    async addItems(items) {
      if (items.length > 0) await memory.append(items.map((item) => toStored(item)))
    },
    popItem: () => pop(memory),
    async clearSession() {
      await memory.delete()
    },
  }
}

async function windowOf(memory: Memory, options: OpenaiSessionOptions): Promise<AgentInputItem[]> {
  const { messages, summary } = await memory.context({ ...options, as: 'raw' })
  return itemsOf(messages, summary)
}

async function newestItems(memory: Memory, limit: number): Promise<AgentInputItem[]> {
  if (limit <= 0) return []
  const enough = (messages: readonly StoredMessage[]) => asTheyAre(messages).length >= limit
  return asTheyAre(await newestMessages(memory, limit, enough)).slice(-limit)
}

/** Whatever others write meanwhile, no more than the newest item goes. */
async function pop(memory: Memory): Promise<AgentInputItem | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const info = await memory.info()
    const { items } = await memory.history({ limit: 1 })
    const [newest] = items
    if (info === undefined || newest === undefined) return undefined
    try {
      await memory.rewind(newest.id, { ifRev: info.rev })
      return asTheyAre([newest]).at(-1)
    } catch (error) {
      const met = error instanceof StoreError && error.reason === 'conflict'
      if (!met || attempt === tries) throw error
    }
  }
}

/** An item has no id of its own here: of some models every item has the same. */
function toStored(given: AgentInputItem): AnyMessage {
  // As it is read again: members that are not set have no form.
  const item: Shape = JSON.parse(JSON.stringify(given))
  const response = toResponseItem(item)
  const known = agentItem(response)
  const differing = Object.entries(item).filter(
    ([name, value]) => !isDeepStrictEqual(value, known[name]),
  )
  const agents = Object.fromEntries(differing)
  const whole = !isDeepStrictEqual({ ...known, ...agents }, item)
  const original = whole ? { agents: item, whole } : { agents }
  // The role is told by the item.
  const message = { role: 'assistant', content: [response], format: 'openai-responses', original }
  return message as unknown as AnyMessage
}

/** The item that a message was; `undefined` for a message of another format. */
function nativeItem({ content, original }: StoredMessage): Shape | undefined {
  const { agents, whole } = { ...original } as Shape
  if (!isShape(agents)) return undefined
  return whole === true ? agents : { ...agentItem(shapesOf(content)[0] ?? {}), ...agents }
}

function asTheyAre(messages: readonly StoredMessage[]): AgentInputItem[] {
  return inRuns(
    messages,
    (message) => nativeItem(message) as unknown as AgentInputItem | undefined,
    (run) => itemsOf(run),
  )
}

/** What a model takes of these messages: items of the SDK as they came, where nothing is to be repaired. */
function itemsOf(messages: readonly StoredMessage[], summary?: string): AgentInputItem[] {
  const natives = new Map<Shape, Shape>()
  const sources = messages.map((message) => {
    const source = toSource(message)
    const native = nativeItem(message)
    if (native) natives.set(source.message, native)
    return source
  })
  const items = rendered(withSummary(sources, summary), 'openai-responses')
  const names = new Map(
    items.flatMap(({ call_id: id, name }) => (name ? [[id, String(name)]] : [])),
  )
  const nameOf = (callId: unknown) => names.get(callId) ?? 'unknown'
  return items.map(
    (item) => (natives.get(item) ?? toAgentItem(item, nameOf)) as unknown as AgentInputItem,
  )
}
