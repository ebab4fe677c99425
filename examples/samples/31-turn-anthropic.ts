import { json } from 'node:stream/consumers'
import type Anthropic from '@anthropic-ai/sdk'
import Koa from 'koa'
import type { Store, Turn } from 'memoryware'
import { sessionMemory } from 'memoryware/koa'

/** A chat on Koa whose answers come from Anthropic. The field X-Session-Id names the conversation. */
export function anthropicChat(store: Store, anthropic: Anthropic, model: string): Koa {
  async function* answer(turn: Turn) {
    const { system, messages } = await turn.context({ as: 'anthropic' })
    const request = {
      model,
      max_tokens: 1024,
      messages,
      ...(system !== undefined && { system }),
      stream: true,
    } as const
    yield* await anthropic.messages.create(request, { signal: turn.signal })
  }

  return new Koa().use(sessionMemory({ store })).use(async (ctx) => {
    const { id, text } = (await json(ctx.req)) as { id?: string; text: string }
    const question = {
      ...(id !== undefined && { id }),
      role: 'user',
      content: String(text),
    } as const
    const turn = await ctx.memory.turn(question)
    await turn.pipe(answer(turn), ctx)
  })
}
