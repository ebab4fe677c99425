import { Redis } from 'ioredis'
import Koa from 'koa'
import { koaRoutes } from './bare.ts'
import { koaWithSessions } from './koa-sessions.ts'
import { langchainHistories } from './langchain.ts'
import { redisOf, type Stack } from './stack.ts'

/** The chat history of LangChain, on Koa. */
export const langchainOnKoa: Stack = async (place) =>
  new Koa().use(koaRoutes(await langchainHistories(redisOf(place)))).callback()

/** The chat history of LangChain on Koa, behind sessions that tell who speaks. */
export const sessionAndLangchainOnKoa: Stack = async (place) => {
  const redis = redisOf(place)
  const app = koaWithSessions(new Redis(redis), { userId: 'ann' })
  return app.use(koaRoutes(await langchainHistories(redis))).callback()
}
