import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { putHead, type ResponseHead } from './response-head.ts'
import type { SinkSocket } from './sink-socket.ts'

/** What a shadow is made of. */
export interface ShadowParts {
  readonly req: IncomingMessage
  readonly sink: SinkSocket
  /** What stands on it from the start. */
  readonly head: ResponseHead
}

const shadows = new WeakSet<ServerResponse>()

/** Whether what is written to this response goes nowhere. */
export function isShadow(res: ServerResponse): boolean {
  return shadows.has(res)
}

/** A response of Node's own that goes nowhere. It closes when it has finished, as others do. */
export function shadowResponse(parts: ShadowParts): ServerResponse {
  const res = new ServerResponse(parts.req)
  open(res, parts)
  return res
}

/**
 * Makes a response that is over into a shadow, and gives what makes it what it was.
 *
 * It is the same object, with the state of a new response, and without what middlewares have wrapped
 * around its methods; what they have added beside them stays. So Node, the framework and the handler
 * all find one response, whichever way they came to it.
 */
export function overlayResponse(res: ServerResponse, parts: ShadowParts): () => void {
  const kept = Object.getOwnPropertyDescriptors(res)
  const fresh = new ServerResponse(parts.req)
  const socket = Object.getOwnPropertyDescriptor(parts.req, 'socket')
  const restore = (): void => {
    shadows.delete(res)
    for (const key of Reflect.ownKeys(res)) Reflect.deleteProperty(res, key)
    Object.defineProperties(res, kept)
    if (socket) Object.defineProperty(parts.req, 'socket', socket)
  }
  try {
    for (const key of Reflect.ownKeys(res))
      if (key in fresh || marks.has(key)) Reflect.deleteProperty(res, key)
    Object.defineProperties(res, Object.getOwnPropertyDescriptors(fresh))
    open(res, parts)
  } catch (error) {
    restore()
    throw error
  }
  return restore
}

// Kept on a response by on-finished, which does not ask twice.
const marks = new Set<string | symbol>(['__onFinished'])

function open(res: ServerResponse, { req, sink, head }: ShadowParts): void {
  shadows.add(res)
  // Whoever destroys the connection of a request that is over must not meet the next one on it.
  Object.defineProperty(req, 'socket', {
    value: sink,
    configurable: true,
    enumerable: true,
    writable: true,
  })
  putHead(res, head)
  res.assignSocket(sink as unknown as Socket)
  sink.on('drain', () => drain(res))
  // A server does this for its responses.
  res.once('finish', () => process.nextTick(() => sink.destroy()))
}

/** A server tells the response that its connection takes more. */
function drain(res: ServerResponse): void {
  if (!res.writableNeedDrain) return
  const key = Object.getOwnPropertySymbols(res).find(({ description }) => description === needDrain)
  if (key) Reflect.set(res, key, false)
  res.emit('drain')
}

const needDrain = 'kNeedDrain'
