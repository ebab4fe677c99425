import { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { publish } from '../lib/telemetry.ts'
import type { Fields, Observer } from './exchange.ts'
import { onResponseEnd } from './response-end.ts'
import { isShadow } from './shadow-response.ts'

// A run that has not ended by then is given up: its observer is told, and its response closes.
const longestRunMs = 600_000

/**
 * Waits until a response is over and one turn of the event loop has passed, so that everybody who
 * watches it is done. Says whether another run of its handler may follow: not where the client left
 * early, on HTTP/2, nor in the background already.
 */
export async function isOver(res: ServerResponse): Promise<boolean> {
  const aborted = await new Promise<boolean>((resolve) => {
    onResponseEnd(res, (end) => resolve(end.aborted))
  })
  await turn()
  return !aborted && res instanceof ServerResponse && res.closed && !isShadow(res)
}

/** Gives who follows the run; `undefined` where there need be none. */
export type Refresh = () => Promise<Observer | undefined>

/** One run in the background. */
export interface BackgroundRun {
  /** What the shadow is, from which the observer hears. */
  readonly res: ServerResponse
  /** Begins to watch the shadow, and runs the rest of the chain. */
  run(observer: Observer): Promise<void>
}

/**
 * Runs the rest of the chain for the observer, where there is one, and is kept when the shadow has
 * closed. Never rejects: what goes wrong is published.
 */
export async function runInBackground(
  refresh: Refresh,
  { res, run }: BackgroundRun,
): Promise<void> {
  const closed = new Promise<void>((resolve) => res.once('close', resolve))
  const observer = await observerOf(refresh)
  if (observer === undefined) return
  const background = new BackgroundObserver(observer)
  const abandoned = setTimeout(() => res.destroy(), longestRunMs).unref()
  // A handler may fail after its response is over, or never end.
  run(background).catch((error: unknown) => {
    publishFailure(error)
    res.destroy()
  })
  await closed
  clearTimeout(abandoned)
  await turn()
  background.close()
}

/** Tells of what went wrong in the background, where nobody waits for it. */
export function publishFailure(error: unknown): void {
  publish('error', () => ({ during: 'cache refresh', error }))
}

async function observerOf(refresh: Refresh): Promise<Observer | undefined> {
  try {
    return await refresh()
  } catch (error) {
    publishFailure(error)
    return undefined
  }
}

/** Nothing goes out: there is nothing to withhold, nor anybody to rescue, only to tell. It ends once. */
class BackgroundObserver implements Observer {
  readonly #observer: Observer
  #over = false

  constructor(observer: Observer) {
    this.#observer = observer
  }

  head(status: number, fields: Fields): Fields | false {
    const more = this.#observer.head(status, fields)
    if (more === false) this.#over = true
    return more === 'withhold' ? {} : more
  }

  chunk(bytes: Buffer): void {
    if (!this.#over) this.#observer.chunk(bytes)
  }

  end(complete: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#observer.end(complete)
  }

  rescue(error: unknown): false {
    if (!this.#over) this.#observer.rescue?.(error)
    return false
  }

  close(): void {
    this.end(false)
  }
}
