/** What became of one request. */
export interface Outcome {
  readonly user: string
  /** What was said in it. */
  readonly id: string
  /** When it was sent, on the clock of `performance.now()`. */
  readonly at: number
  readonly ms: number
  readonly kind: 'served' | 'degraded' | 'failed' | 'hung'
  /** The app says that it has what was said: in the store, or for now in the process. */
  readonly acknowledged: 'stored' | 'kept' | 'no'
}

/** Requests that come steadily, whether or not earlier ones are answered. */
export interface FaultLoad {
  /** Requests so far. */
  readonly sent: number
  /** Sends no more, waits for those under way, and gives all. */
  stop(): Promise<readonly Outcome[]>
}

/** A request that is not answered by then is hung. */
export const hungAfterMs = 1000

const longestWaitMs = 15_000
const users = 10
let loads = 0

/** Sends `GET /?say=ID` with X-User: ten users in turn, each id once. */
export function startFaultLoad(url: string, everyMs: number): FaultLoad {
  loads += 1
  const name = `l${loads}`
  const asked: Promise<Outcome>[] = []
  const timer = setInterval(() => {
    const count = asked.length
    asked.push(say(url, `${name}-u${count % users}`, `${name}-${count}`))
  }, everyMs)
  return {
    get sent() {
      return asked.length
    },
    async stop() {
      clearInterval(timer)
      return Promise.all(asked)
    },
  }
}

/** Says one thing, and waits for the answer for 15 s at most. */
export async function say(url: string, user: string, id: string): Promise<Outcome> {
  const at = performance.now()
  const { ok, body } = await ask(`${url}/?say=${id}`, user, longestWaitMs)
  const ms = performance.now() - at
  const flags = Object(body) as Record<string, unknown>
  const answered = Object.values(flags).includes(true) ? 'degraded' : 'served'
  const acknowledged = flags['memory'] === true ? 'kept' : 'stored'
  return {
    ...{ user, id, at, ms },
    kind: ms > hungAfterMs ? 'hung' : ok ? answered : 'failed',
    acknowledged: ok ? acknowledged : 'no',
  }
}

/** An answer: its JSON where it was one of success. Status 0: a broken connection, or none in time. */
interface Asked {
  readonly ok: boolean
  readonly status: number
  readonly body?: unknown
}

/** Asks and waits for so long. */
export async function ask(url: string, user: string, withinMs: number): Promise<Asked> {
  try {
    const signal = AbortSignal.timeout(withinMs)
    const { ok, status, ...answer } = await get(url, user, signal)
    return ok ? { ok, status, body: JSON.parse(answer.text) as unknown } : { ok, status }
  } catch {
    return { ok: false, status: 0 }
  }
}

async function get(url: string, user: string, signal: AbortSignal) {
  const answer = await fetch(url, { headers: { 'x-user': user }, signal })
  return { ok: answer.ok, status: answer.status, text: await answer.text() }
}
