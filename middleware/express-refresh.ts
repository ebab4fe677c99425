import type { IncomingMessage, ServerResponse } from 'node:http'
import { isOver, publishFailure, type Refresh, runInBackground } from './background-run.ts'
import { captureResponse } from './capture.ts'
import type { ResponseHead } from './response-head.ts'
import { overlayResponse } from './shadow-response.ts'
import { SinkSocket } from './sink-socket.ts'

/** A request that has been answered. */
export interface Answered {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** What stood on its response before. */
  readonly head: ResponseHead
}

/**
 * Runs the rest of the chain once the answer is out, for the observer alone. Handlers hold the
 * response that was sent, so that one is a shadow meanwhile. Never rejects.
 */
export async function refreshResponse(
  { req, res, head }: Answered,
  refresh: Refresh,
  rest: () => Promise<void>,
): Promise<void> {
  const sink = new SinkSocket(req.socket)
  if (!(await isOver(res)) || !goesOn(req)) return
  try {
    const restore = overlayResponse(res, { req, sink, head })
    await runInBackground(refresh, {
      res,
      async run(observer) {
        captureResponse(res, observer)
        await rest()
      },
    })
    restore()
  } catch (error) {
    publishFailure(error)
  }
}

/**
 * Whether the rest of a chain still runs when `next` is called after its answer. What mounts chains
 * says so by `originalUrl`; glue that waits for a middleware and then looks at the response does not
 * go on, and its run would never end.
 */
function goesOn(req: IncomingMessage & { readonly originalUrl?: unknown }): boolean {
  return typeof req.originalUrl === 'string'
}
