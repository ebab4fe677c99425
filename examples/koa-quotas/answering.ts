import { Readable } from 'node:stream'
import type { Context } from 'koa'
import { type Asked, askedOf } from './asked.ts'
import { type Chunk, type Model, usageOf } from './model.ts'
import { estimate } from './quotas.ts'

/**
 * Streams an answer. What fails before the first word is an error, and the limiter gives back what was
 * reserved; what is stopped later has cost what was said by then.
 */
export async function answer(ctx: Context, model: Model): Promise<void> {
  const left = new AbortController()
  ctx.res.once('close', () => left.abort())
  const asked = askedOf(ctx)
  const chunks = model(asked, left.signal)
  const first = await firstOf(ctx, chunks, left.signal)
  if (first === undefined) return
  ctx.set('Cache-Control', 'no-store')
  ctx.type = 'text/event-stream'
  ctx.body = Readable.from(eventsOf(ctx, { asked, first, chunks, left: left.signal }))
}

async function firstOf(
  ctx: Context,
  chunks: AsyncGenerator<Chunk>,
  left: AbortSignal,
): Promise<Chunk | undefined> {
  try {
    const { value } = await chunks.next()
    return value as Chunk
  } catch (error) {
    if (left.aborted) return undefined
    return ctx.throw(502, 'The model failed before its first word', { cause: error, expose: true })
  }
}

interface Answering {
  readonly asked: Asked
  readonly first: Chunk
  readonly chunks: AsyncGenerator<Chunk>
  readonly left: AbortSignal
}

async function* eventsOf(
  ctx: Context,
  { asked, first, chunks, left }: Answering,
): AsyncGenerator<string> {
  let said = ''
  let settled = false
  // Every piece is handed in: the last one carries the usage.
  async function take(chunk: Chunk): Promise<string> {
    said += chunk.choices[0]?.delta.content ?? ''
    settled = (await ctx.rateLimit.settleUsage(chunk)) || settled
    return event('chunk', chunk)
  }
  try {
    yield event('reserved', { tokens: estimate(ctx), limits: ctx.rateLimit.limits })
    yield await take(first)
    for await (const chunk of chunks) yield await take(chunk)
    yield event('settled', { ...usageOf(asked.question, said), limits: ctx.rateLimit.limits })
  } catch (error) {
    if (!left.aborted) throw error
  } finally {
    if (!settled) await ctx.rateLimit.settleUsage(usageOf(asked.question, said))
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
