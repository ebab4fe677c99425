import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import Koa from 'koa'
import type { Message, Turn } from 'memoryware'
import { memoryRoutes, sessionMemory } from 'memoryware/koa'

// Stands in for a model, which says a word every 50 ms.
async function* answer(turn: Turn) {
  const { messages } = await turn.context({ as: 'openai' })
  const said = `You are at message ${messages.length}, which is: ${messages.at(-1)?.content}`
  for (const word of said.split(/(?<= )/)) {
    yield word
    await sleep(50, undefined, { signal: turn.signal })
  }
}

const app = new Koa().use(sessionMemory())

app.use(async (ctx, next) => {
  const [, session] = /^\/chats\/([^/]+)$/.exec(ctx.path) ?? []
  if (ctx.method !== 'POST' || session === undefined) return next()
  const { id, text } = (await json(ctx.req)) as { id?: string; text: string }
  const question = { id, role: 'user', content: text } as Message
  const turn = await ctx.memory.open(decodeURIComponent(session)).turn(question)
  await turn.pipe(answer(turn), ctx)
})

// List, read, rename, delete, export, stop, follow: behind the app's own routes.
app.use(memoryRoutes({ path: '/chats' }))
app.listen(Number(process.env['PORT'] ?? 3000))
