import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isShadow } from './shadow-response.ts'

// One listener a connection, however many requests wait on it for their turn.
const waiting = new WeakMap<Socket, Set<() => void>>()

/** Calls `leave` once a response is over, whichever way, or at once where it is; also twice. */
export function onceGone(res: ServerResponse, leave: () => void): void {
  if (res.closed || res.destroyed) {
    leave()
    return
  }
  res.once('close', leave)
  // Node tells a response of a lost connection only once it is its turn to be sent on it.
  if (res.socket === null && !isShadow(res)) withConnection(res, leave)
}

function withConnection(res: ServerResponse, leave: () => void): void {
  const { socket } = res.req
  if (socket.destroyed) {
    leave()
    return
  }
  const leaves = waiting.get(socket) ?? watch(socket)
  leaves.add(leave)
  res.once('close', () => leaves.delete(leave))
}

function watch(socket: Socket): Set<() => void> {
  const leaves = new Set<() => void>()
  waiting.set(socket, leaves)
  socket.once('close', () => {
    for (const leave of leaves) leave()
  })
  return leaves
}
