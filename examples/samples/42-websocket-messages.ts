import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Limiter, Store } from 'memoryware'
import { rateLimit } from 'memoryware/express'
import { type WebSocket, WebSocketServer } from 'ws'

/** Answers a message piece by piece, until it is told to stop. */
export type Generate = (text: string, signal: AbortSignal) => AsyncIterable<string>

/** A chat over WebSockets: messages of a user and of a connection are limited, answers come one by one. */
export function socketChat(
  server: Server,
  {
    store,
    user,
    generate,
  }: { store: Store; user: (req: IncomingMessage) => string; generate: Generate },
): WebSocketServer {
  const limiter = rateLimit({
    store,
    limits: [
      { name: 'messages', limit: 20, window: '1m', key: 'user' },
      // Outside requests a rule with a function of its own counts the `key` that is handed to check().
      { name: 'connection', limit: 3, window: '5s', key: () => null },
      { name: 'answering', algorithm: 'concurrency', limit: 1, key: 'user' },
    ],
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    const whom = { user: user(request), key: randomUUID() }
    const gone = new AbortController()
    socket.on('close', () => gone.abort())
    socket.on('message', (text) => {
      const answered = answer(String(text), {
        socket,
        limiter,
        whom,
        generate,
        signal: gone.signal,
      })
      answered.catch(() => socket.close(1011))
    })
  })
  return sockets
}

interface Connection {
  readonly socket: WebSocket
  readonly limiter: Limiter<never>
  readonly whom: { readonly user: string; readonly key: string }
  readonly generate: Generate
  readonly signal: AbortSignal
}

async function answer(
  text: string,
  { socket, limiter, whom, generate, signal }: Connection,
): Promise<void> {
  const send = (message: object) => socket.send(JSON.stringify(message))
  const { allowed, violated, retryAfter, release } = await limiter.check(whom)
  if (!allowed) return send({ type: 'refused', by: violated, retryAfter })
  try {
    for await (const delta of generate(text, signal)) send({ type: 'delta', delta })
    send({ type: 'done' })
  } finally {
    // Frees the slot; the message itself stays counted.
    await release()
  }
}
