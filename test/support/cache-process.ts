import http from 'node:http'
import type { Purged } from '../../middleware/cache-response.ts'
import type { Answer, CacheAppOptions, Order, Seen } from './cache-app.ts'
import { type ForkedApp, forkApp } from './forked-app.ts'

const program = new URL('cache-app.ts', import.meta.url)

/** What a client got. */
export interface Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  /** False where the answer broke off, or the connection did before it. */
  readonly whole: boolean
}

/** A request on its way. */
export interface Asked {
  readonly reply: Promise<Reply>
  /** What has come of the body by now. */
  text(): string
  leave(): void
}

/** What a client sends. */
export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly agent?: http.Agent
}

/** One of several processes of a site. */
class CacheProcess {
  readonly #app: ForkedApp
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #orders = 0

  private constructor(app: ForkedApp) {
    this.#app = app
    app.child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
  }

  static async start(options: CacheAppOptions): Promise<CacheProcess> {
    return new CacheProcess(await forkApp(program, [JSON.stringify(options)]))
  }

  /** To all processes of a site the same host is asked for. */
  ask(path: string, { method = 'GET', headers = {}, body, agent }: Sent = {}): Asked {
    const { hostname, port } = new URL(this.#app.url)
    const chunks: Buffer[] = []
    const text = (): string => Buffer.concat(chunks).toString()
    const request = http.request({
      ...{ host: hostname, port, path, method, agent: agent ?? false },
      headers: { host: 'site.test', ...headers },
    })
    const reply = new Promise<Reply>((resolve) => {
      const broken = { status: 0, headers: {}, body: '', whole: false }
      request.on('error', () => resolve(broken))
      request.on('response', (response) => {
        const { statusCode: status = 0, headers: fields } = response
        const ended = (whole: boolean) => () =>
          resolve({ status, headers: fields, body: text(), whole })
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', ended(true))
        response.on('error', ended(false))
        response.on('close', ended(false))
      })
    })
    request.end(body)
    return { reply, text, leave: () => void request.destroy() }
  }

  get(path: string, sent?: Sent): Promise<Reply> {
    return this.ask(path, sent).reply
  }

  /** Lets those go on, one step or several, who wait for a gate; `-1` takes a step back. */
  open(gate: string, steps = 1): void {
    this.#tell({ do: 'open', gate, steps })
  }

  async look(): Promise<Seen> {
    const { seen } = await this.#answer((id) => ({ do: 'look', id }))
    if (!seen) throw new Error('It has not looked')
    return seen
  }

  /** How often the handler ran for what asks so in its query. */
  async runs(query: string): Promise<number> {
    const { runs } = await this.look()
    return runs.filter((each) => each.includes(query)).length
  }

  /** `purged`, or the name of an error. */
  async purge(what: Purged): Promise<string> {
    const { ended = '' } = await this.#answer((id) => ({ do: 'purge', id, what }))
    return ended
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#app.child.kill(name)
  }

  async stop(): Promise<void> {
    await this.#app.stop('SIGKILL')
  }

  #tell(order: Order): void {
    this.#app.child.send(order)
  }

  #answer(order: (id: number) => Order): Promise<Answer> {
    this.#orders += 1
    const id = this.#orders
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#tell(order(id))
    })
  }
}

/** Two processes of the same site. */
export type Pair = readonly [CacheProcess, CacheProcess]

/** Starts two processes with the same settings. */
export async function startPair(options: CacheAppOptions): Promise<Pair> {
  return Promise.all([CacheProcess.start(options), CacheProcess.start(options)])
}

/** What the member of this package in `Cache-Status` says. */
export function factOf({ headers }: Reply): string {
  return String(headers['cache-status'] ?? '')
}
