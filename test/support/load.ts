/** What became of one request. */
export interface Answer {
  readonly user: string
  /** What the user said in it. */
  readonly said: string
  /** When it was sent, on the clock of `performance.now()`. */
  readonly at: number
  readonly ms: number
  readonly status: number
  /** What the app answered. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Requests that come every few milliseconds, whether or not earlier ones are answered. */
export interface Load {
  /** Sends no more, waits for those under way, and gives all. */
  stop(): Promise<readonly Answer[]>
}

let loads = 0

/** Lets so many users speak in turn: `GET /?say=…` with X-User; the app answers with JSON. */
export function startLoad(url: string, { users = 30, everyMs = 10 } = {}): Load {
  loads += 1
  const group = `load-${loads}`
  const answers: Answer[] = []
  const waiting: Promise<void>[] = []
  let count = 0

  async function ask(): Promise<void> {
    count += 1
    const [user, said, at] = [`${group}-${count % users}`, String(count), performance.now()]
    const reply = await fetch(`${url}/?say=${said}`, { headers: { 'x-user': user } })
    const text = await reply.text()
    const ms = performance.now() - at
    const body = reply.ok ? (JSON.parse(text) as Answer['body']) : {}
    answers.push({ user, said, at, ms, status: reply.status, body })
  }
  const timer = setInterval(() => waiting.push(ask()), everyMs)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(waiting)
      return answers
    },
  }
}
