import type { Context, Next } from 'koa'
import { captureResponse } from './capture.ts'
import type { Fields, Observer } from './exchange.ts'
import { type BodyObserver, observeBody, withMessageType } from './koa-body.ts'
import { drainBody } from './koa-drain.ts'
import { ContextState } from './koa-state.ts'
import { rescues } from './rescue.ts'
import { changedFields, standingFields } from './response-fields.ts'
import { hasLeft, onceSent } from './sent.ts'

/**
 * Runs the rest of the chain and tells the observer what it answered: status, fields and body as
 * they stand when `next()` is done, before outer middlewares add to them. A handler that takes the
 * raw response (`ctx.respond = false`) is followed below Koa.
 */
export async function observeContext(ctx: Context, next: Next, observer: Observer): Promise<void> {
  const before = new ContextState(ctx)
  const fieldsBefore = standingFields(ctx.res)
  const below = captureResponse(ctx.res, observer)
  try {
    await next()
  } catch (error) {
    // Who destroyed the response often throws as well.
    if (below.rescued || (below.cancel() && rescued(ctx, before, observer, error))) return
    throw error
  }
  if (ctx.respond === false) return
  // What a handler wrote past Koa and did not end, Koa ends.
  if (below.withholds) ctx.res.end()
  if (!below.cancel()) return
  if (ctx.headerSent) observer.end(false)
  else await observeAnswer(ctx, observer, { before, fieldsBefore })
}

interface Standing {
  readonly before: ContextState
  readonly fieldsBefore: Fields
}

async function observeAnswer(
  ctx: Context,
  observer: Observer,
  { before, fieldsBefore }: Standing,
): Promise<void> {
  const fields = changedFields(standingFields(ctx.res), fieldsBefore)
  const more = observer.head(ctx.status, withMessageType(ctx, fields))
  if (more === false) return
  if (more === 'withhold') {
    const complete = await drainBody(ctx, (bytes) => observer.chunk(bytes))
    before.takeBack(ctx)
    observer.end(complete && !hasLeft(ctx.res))
    return
  }
  ctx.set(more as Record<string, string | string[]>)
  observeBody(ctx, untilSent(ctx, observer))
}

/** Whether the observer answers for a handler that threw before anything went out. */
function rescued(ctx: Context, before: ContextState, observer: Observer, error: unknown): boolean {
  const possible = observer.rescue !== undefined && !ctx.headerSent && !hasLeft(ctx.res)
  if (possible) {
    const failed = new ContextState(ctx)
    before.takeBack(ctx)
    if (rescues(observer, error)) {
      failed.discardBody(before)
      return true
    }
    // Who handles the failure finds what the handler has left.
    failed.takeBack(ctx)
  }
  observer.end(false)
  return false
}

/** Koa sends when the middlewares outside are done, and a head may change until its first byte. */
function untilSent({ res }: Context, observer: Observer): BodyObserver {
  return {
    chunk: (bytes) => observer.chunk(bytes),
    end(complete) {
      if (complete) onceSent(res, (whole) => observer.end(whole))
      else observer.end(false)
    },
  }
}
