import type { Response } from 'express'

/** Sends events of one answer. A client that left hears nothing and disturbs nothing. */
export interface EventStream {
  send(event: string, data: unknown): void
  end(): void
}

// Proxies close what is silent for a minute or less.
const keepAliveMs = 15_000

/** Turns a response into a stream of server-sent events. */
export function openEventStream(res: Response): EventStream {
  res.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  })
  res.flushHeaders()
  const timer = setInterval(() => write(': still here\n\n'), keepAliveMs)
  res.once('close', () => clearInterval(timer))

  function write(text: string): void {
    if (!res.writableEnded && !res.destroyed) res.write(text)
  }

  return {
    send: (event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    end() {
      clearInterval(timer)
      if (!res.writableEnded) res.end()
    },
  }
}
