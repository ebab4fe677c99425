import type { ServerResponse } from 'node:http'

interface ServedSocket {
  readonly destroyed: boolean
  readonly readableEnded: boolean
  /** Set by `node:http`; a server may serve clients that have closed their half. */
  readonly server?: { readonly httpAllowHalfOpen?: boolean }
}

/** Whether the client of this response is gone, also where nobody has been told yet. */
export function hasLeft(res: ServerResponse): boolean {
  if (res.req?.aborted) return true
  const socket: ServedSocket | null = res.socket
  // A response that is through has no socket any more.
  if (socket === null || socket === undefined) return false
  if (socket.destroyed) return true
  return socket.readableEnded && socket.server?.httpAllowHalfOpen !== true
}

/**
 * Calls `then` once the head of a response that its handler has ended is out, or at once where it is
 * already: middlewares outside may change it until then, and hold it back. Says whether a client was
 * there to take the whole response.
 */
export function onceSent(res: ServerResponse, then: (complete: boolean) => void): void {
  if (res.headersSent || res.closed || res.destroyed) {
    then(res.headersSent && !hasLeft(res))
    return
  }
  const sent = (): void => settle(!hasLeft(res))
  const gone = (): void => settle(false)
  const settle = (complete: boolean): void => {
    for (const event of ['prefinish', 'finish']) res.off(event, sent)
    res.off('close', gone)
    then(complete)
  }
  for (const event of ['prefinish', 'finish']) res.once(event, sent)
  res.once('close', gone)
}
