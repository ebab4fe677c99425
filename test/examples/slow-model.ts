import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A model that says what the test has it say, when the test has it say it. */
export interface SlowModel {
  /** What has the demo ask it. */
  readonly env: Record<string, string>
  /** The next question that reaches it. */
  asked(): Promise<Saying>
  stop(): void
}

/** One answer of the model. */
interface Saying {
  say(text: string): void
  end(text?: string): void
  /** Tells of an error in the middle of its answer. */
  fail(): void
  /** Fulfilled once nobody listens any more. */
  readonly left: Promise<unknown>
}

/** Starts a model with OpenAI's interface. */
export async function startSlowModel(): Promise<SlowModel> {
  const waiting: ((saying: Saying) => void)[] = []
  const early: Saying[] = []
  const server = createServer((_req, res) => {
    res.flushHeaders()
    const saying = sayingOn(res)
    const next = waiting.shift()
    if (next) next(saying)
    else early.push(saying)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    env: {
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
      OPENAI_API_KEY: 'sk-canary',
      OPENAI_MODEL: 'slow',
    },
    asked: async () => early.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function sayingOn(res: ServerResponse): Saying {
  const piece = (content: string) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
  return {
    say: (text) => void res.write(piece(text)),
    end: (text = '') => void res.end(`${piece(text)}data: [DONE]\n\n`),
    fail: () => void res.end('data: {"error":{"message":"canary"}}\n\n'),
    left: once(res, 'close'),
  }
}
