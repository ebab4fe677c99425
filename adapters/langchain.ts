import { BaseListChatMessageHistory } from '@langchain/core/chat_history'
import type { BaseMessage } from '@langchain/core/messages'
import { withSummary } from '../lib/history/context.ts'
import { rendered } from '../lib/history/formats/rendered.ts'
import type { Shape } from '../lib/history/formats/shape.ts'
import type { ContextRequest, Memory } from '../lib/history/memory.ts'
import type { StoredMessage } from '../lib/history/message.ts'
import { toLangchain, toStored } from './langchain-messages.ts'
import { toSource } from './stored-runs.ts'

/** How much of a conversation `getMessages()` gives. */
export type LangchainHistoryOptions = Pick<ContextRequest, 'messages' | 'tokens'>

/**
 * A conversation as LangChain's chat message history, for `RunnableWithMessageHistory` and by itself.
 *
 * `getMessages()` gives what a model is to see, as `memory.context()` does: the end of the conversation
 * from the beginning of a turn, each call with its result; the summary, where there is one, is a system
 * message. `addMessages()` is one atomic append; a message whose id is there already changes nothing.
 * `clear()` deletes the session.
 *
 * Hand in `historyMessagesKey` to `RunnableWithMessageHistory`: without it LangChain reads twice, and
 * takes what another request has added in between for its own.
 */
export function langchainHistory(
  memory: Memory,
  options: LangchainHistoryOptions = {},
): BaseListChatMessageHistory {
  return new MemoryHistory(memory, options)
}

class MemoryHistory extends BaseListChatMessageHistory {
  lc_namespace = ['memoryware', 'langchain']
  readonly #memory: Memory
  readonly #options: LangchainHistoryOptions

  constructor(memory: Memory, options: LangchainHistoryOptions) {
    super()
    this.#memory = memory
    this.#options = options
  }

  async getMessages(): Promise<BaseMessage[]> {
    const { messages, summary } = await this.#memory.context({ ...this.#options, as: 'raw' })
    const stored = new Map<Shape, StoredMessage>()
    const sources = messages.map((message) => {
      const source = toSource(message)
      stored.set(source.message, message)
      return source
    })
    return rendered(withSummary(sources, summary), 'openai').map((message) =>
      toLangchain(message, stored.get(message)),
    )
  }

  addMessage(message: BaseMessage): Promise<void> {
    return this.addMessages([message])
  }

  override async addMessages(messages: BaseMessage[]): Promise<void> {
    if (messages.length > 0) await this.#memory.append(messages.map(toStored))
  }

  override async clear(): Promise<void> {
    await this.#memory.delete()
  }
}
