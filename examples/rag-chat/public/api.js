import { eventsOf } from './events.js'

/** What went wrong, in words for the page. `waitSeconds` is how long to wait before trying again. */
export class Failure extends Error {
  constructor(message, { waitSeconds = 0, status } = {}) {
    super(message)
    this.name = 'Failure'
    this.waitSeconds = waitSeconds
    this.status = status
  }
}

const unreachable = 'The server cannot be reached. Try again when it is back.'

/** What the demo is made of. */
export function readAbout() {
  return ask('/about')
}

/** The user's chats, last used first. */
export async function listSessions() {
  return (await ask('/chats')).sessions
}

/** The messages of a chat, oldest first; `degraded` where the store could not be asked. */
export function readMessages(session) {
  return ask(`/chats/${encodeURIComponent(session)}/messages`)
}

/** Forgets a chat. */
export function deleteSession(session) {
  return ask(`/chats/${encodeURIComponent(session)}`, { method: 'DELETE' })
}

/** Asks in a chat; `on` hears `sources`, `delta` and `trace` as they come. */
export async function sendMessage(session, message, on) {
  const response = await request(`/chats/${encodeURIComponent(session)}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  })
  let done = false
  try {
    for await (const { event, data } of eventsOf(response.body)) {
      if (event === 'error') throw new Failure(data.message)
      if (event === 'done') done = true
      else on[event]?.(data)
    }
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(unreachable)
  }
  if (!done) throw new Failure('The answer broke off. Try again: it is finished on the server.')
}

async function ask(path, options) {
  const response = await request(path, options)
  return response.status === 204 ? undefined : response.json()
}

async function request(path, options) {
  let response
  try {
    response = await fetch(path, { ...options, cache: 'no-store', credentials: 'same-origin' })
  } catch {
    throw new Failure(unreachable)
  }
  if (!response.ok) throw await failureOf(response)
  return response
}

async function failureOf(response) {
  const { status } = response
  const waitSeconds = Number(response.headers.get('retry-after')) || 0
  if (status === 429)
    return new Failure('You have asked as much as the limit allows.', { status, waitSeconds })
  if (status === 503)
    return new Failure('The store cannot be reached right now.', {
      status,
      waitSeconds,
    })
  const problem = await response.json().catch(() => ({}))
  return new Failure(problem.detail ?? `The server answered with status ${status}.`, { status })
}
