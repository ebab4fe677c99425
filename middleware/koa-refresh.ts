import type { Context, Next } from 'koa'
import { isOver, type Refresh, runInBackground } from './background-run.ts'
import { consume } from './koa-drain.ts'
import { observeContext } from './koa-observe.ts'
import type { ContextState } from './koa-state.ts'
import { shadowResponse } from './shadow-response.ts'
import { SinkSocket } from './sink-socket.ts'

/**
 * Runs the rest of the chain once the answer is out, for the observer alone: on the same context,
 * which has another response from then on. Never rejects.
 */
export async function refreshContext(
  ctx: Context,
  state: ContextState,
  refresh: Refresh,
  next: Next,
): Promise<void> {
  const { req } = ctx
  const sink = new SinkSocket(req.socket)
  if (!(await isOver(ctx.res))) return
  const res = shadowResponse({ req, sink, head: state.head })
  state.put(ctx)
  for (const each of [ctx, ctx.response, ctx.request]) Object.assign(each, { res })
  // Koa's cookies are set on the response that was there when they were first asked for.
  Object.assign(ctx, { cookies: undefined })
  await runInBackground(refresh, {
    res,
    async run(observer) {
      await observeContext(ctx, next, observer)
      if (ctx.respond === false) return
      await consume(ctx)
      res.end()
    },
  })
}
