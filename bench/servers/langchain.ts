import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages'
import { RedisChatMessageHistory } from '@langchain/redis'
import express from 'express'
import { Redis } from 'ioredis'
import { type Asking, type OpenOn, withRoutes } from './bare.ts'
import { withSessions } from './sessions.ts'
import { redisOf, type Stack } from './stack.ts'
import { keptSeconds, type Said } from './work.ts'

/** The chat history of LangChain. */
export const langchain: Stack = async (place) =>
  withRoutes(express(), await langchainHistories(redisOf(place)))

/** The chat history of LangChain, behind sessions that tell who speaks. */
export const sessionAndLangchain: Stack = async (place) => {
  const redis = redisOf(place)
  const app = withSessions(new Redis(redis), { userId: 'ann' })
  return withRoutes(app, await langchainHistories(redis))
}

/**
 * Opens histories over one connection. LangChain brings node-redis, and makes one client for each
 * `config` object: it is the same for all.
 */
export async function langchainHistories(url: string): Promise<OpenOn<Asking>> {
  const config = { url }
  const historyOf = (sessionId: string) =>
    new RedisChatMessageHistory({ sessionId, sessionTTL: keptSeconds, config })
  // Connects: two histories that find the client closed would both open it.
  await historyOf('first').getMessages()
  return (asking) => {
    const history = historyOf(String(asking.get('x-session-id')))
    return {
      // It reads all there is.
      last: async (count) => (await history.getMessages()).slice(-count),
      append: (messages) => history.addMessages(messages.map(ofLangchain)),
      async restart(messages) {
        await history.clear()
        await Promise.all(messages.map((each) => history.addMessage(ofLangchain(each))))
      },
    }
  }
}

function ofLangchain({ role, content }: Said): BaseMessage {
  return role === 'user' ? new HumanMessage(content) : new AIMessage(content)
}
