import { Failure, openStream, unreachable } from './api.js'
import { eventsOf } from './events.js'

const mostTries = 5
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Follows an answer to its end, which it gives. A connection that breaks is taken up again after the
 * last event; undefined where there is nothing more to hear: then the answer is kept.
 */
export async function follow(session, first, on, signal) {
  const seen = { lastId: undefined, tries: 0 }
  let response = first
  while (response) {
    const end = await hear(response, on, seen, signal)
    if (end) return end
    seen.tries += 1
    response = await reopen(session, seen, signal)
  }
  return undefined
}

/** The answer that is being given, from its start; undefined where there is none. */
export function openUnderWay(session, signal) {
  return reopen(session, { lastId: undefined, tries: 0 }, signal)
}

/** What the end says; undefined where the connection broke before it. */
async function hear(response, on, seen, signal) {
  try {
    for await (const { id, event, data } of eventsOf(response.body)) {
      if (id) seen.tries = 0
      seen.lastId = id ?? seen.lastId
      if (event === 'done') return data
      on[event]?.(data)
    }
  } catch (error) {
    if (signal.aborted) throw error
  }
  return undefined
}

async function reopen(session, seen, signal) {
  for (;;) {
    if (seen.tries > mostTries) throw new Failure(unreachable)
    if (seen.tries > 0) await pause(100 * 2 ** seen.tries)
    try {
      return await openStream(session, seen.lastId, signal)
    } catch (error) {
      // What has no status never arrived: it may the next time.
      if (!(error instanceof Failure) || error.status !== undefined) throw error
      seen.tries += 1
    }
  }
}
