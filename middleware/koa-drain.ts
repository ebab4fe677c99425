import type { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import type { Context } from 'koa'
import { hasNoBody, isStream, observeBody } from './koa-body.ts'
import { discard } from './koa-state.ts'

/**
 * Reads the body that stands on the context, which goes nowhere but to `chunk`, and says whether it
 * came to its end. Ends early where the response closes.
 */
export async function drainBody(ctx: Context, chunk: (bytes: Buffer) => void): Promise<boolean> {
  const given = ctx.body
  // Some of Koa's versions answer with the failure of a body as soon as it fails.
  Object.defineProperty(ctx, 'onerror', { value: () => undefined, configurable: true })
  try {
    const ended = new Promise<boolean>((end) => {
      observeBody(ctx, { chunk, end })
      ctx.res.once('close', () => end(false))
    })
    void consume(ctx)
    return await ended
  } finally {
    discard(given)
    Reflect.deleteProperty(ctx, 'onerror')
  }
}

/** Lets a body flow to its end, into nothing: who follows it sees all of it. Never rejects. */
export async function consume(ctx: Context): Promise<void> {
  const body = ctx.body
  if (hasNoBody(ctx)) return
  if (isStream(body)) await flow(ctx, body)
  else if (body instanceof ReadableStream) await read(ctx, body)
}

function flow(ctx: Context, stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve()
    for (const event of ['end', 'error', 'close']) stream.once(event, done)
    ctx.res.once('close', done)
    stream.resume()
  })
}

async function read(ctx: Context, stream: ReadableStream): Promise<void> {
  const reader = stream.getReader()
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  ctx.res.once('close', cancel)
  try {
    while (!(await reader.read()).done);
  } catch {
    // Who follows the body was told.
  } finally {
    ctx.res.off('close', cancel)
  }
}
