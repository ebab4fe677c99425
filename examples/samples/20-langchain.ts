import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { ChatPromptTemplate, MessagesPlaceholder } from '@langchain/core/prompts'
import { RunnableWithMessageHistory } from '@langchain/core/runnables'
import type { Memory } from 'memoryware'
import { langchainHistory } from 'memoryware/langchain'

const prompt = ChatPromptTemplate.fromMessages([
  ['system', 'You help the visitors of a library.'],
  new MessagesPlaceholder('history'),
  ['human', '{question}'],
])

/** Asks a model of LangChain, which sees the end of the conversation. */
export async function ask(memory: Memory, model: BaseChatModel, question: string): Promise<string> {
  const chain = new RunnableWithMessageHistory({
    runnable: prompt.pipe(model),
    getMessageHistory: () => langchainHistory(memory, { messages: 30 }),
    inputMessagesKey: 'question',
    historyMessagesKey: 'history',
  })
  const answer = await chain.invoke({ question }, { configurable: { sessionId: memory.id } })
  return answer.text
}
