import { Readable } from 'node:stream'
import type { Context } from 'koa'
import { type Asked, askedOf } from './asked.ts'
import { type Chunk, type Model, usageOf } from './model.ts'
import { callerOf } from './people.ts'
import { estimate } from './quotas.ts'
import type { UnderWay } from './under-way.ts'

/**
 * Streams an answer. What fails before the first word is an error, and the limiter gives back what was
 * reserved; what is stopped later has cost what was said by then.
 */
export async function answer(ctx: Context, model: Model, underWay: UnderWay): Promise<void> {
  const left = new AbortController()
  const settled = underWay.add(callerOf(ctx), estimate(ctx))
  ctx.res.once('close', () => {
    settled()
    left.abort()
  })
  const asked = askedOf(ctx)
  const chunks = model(asked, left.signal)
  const first = await firstOf(ctx, chunks, left.signal)
  if (first === undefined) return
  ctx.set('Cache-Control', 'no-store')
  ctx.type = 'text/event-stream'
  const answering = { asked, first, chunks, settled, left: left.signal }
  ctx.body = Readable.from(eventsOf(ctx, answering))
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
  settled(): void
  readonly left: AbortSignal
}

async function* eventsOf(
  ctx: Context,
  { asked, first, chunks, settled, left }: Answering,
): AsyncGenerator<string> {
  let said = ''
  let stated = false
  // Every piece is handed in: the last one carries the usage.
  async function take(chunk: Chunk): Promise<string> {
    said += chunk.choices[0]?.delta.content ?? ''
    if (await ctx.rateLimit.settleUsage(chunk)) stated = true
    return event('chunk', chunk)
  }
  try {
    yield event('reserved', { tokens: estimate(ctx), limits: ctx.rateLimit.limits })
    yield await take(first)
    for await (const chunk of chunks) yield await take(chunk)
    settled()
    yield event('settled', { ...usageOf(asked.question, said), limits: ctx.rateLimit.limits })
  } catch (error) {
    if (!left.aborted) throw error
  } finally {
    if (!stated) await ctx.rateLimit.settleUsage(usageOf(asked.question, said))
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
