/** What went wrong, in words for the page. `waitSeconds` is how long to wait before trying again. */
export class Failure extends Error {
  constructor(message, { waitSeconds = 0, status } = {}) {
    super(message)
    this.name = 'Failure'
    this.waitSeconds = waitSeconds
    this.status = status
  }
}

/** Said where nothing comes back. */
export const unreachable = 'The server cannot be reached. Try again when it is back.'

/** What the demo is made of. */
export function readAbout() {
  return ask('/about')
}

/** The user's chats: pinned ones first, then last used first. */
export async function listSessions() {
  const { items } = await ask('/chats?limit=100')
  return [...items.filter(({ pinned }) => pinned), ...items.filter(({ pinned }) => !pinned)]
}

/** Changes title or pin of a chat; a title of `null` lets its next question name it. */
export function changeSession(session, changes) {
  return ask(pathOf(session), { method: 'PATCH', ...jsonOf(changes) })
}

/** Forgets a chat. */
export function deleteSession(session) {
  return unlessGone(ask(pathOf(session), { method: 'DELETE' }))
}

/** The messages of a chat, oldest first; `degraded` where the store could not be asked. */
export function readMessages(session) {
  return ask(`${pathOf(session)}/messages`)
}

/** Takes a message back, and all that came after it. */
export function rewind(session, message) {
  return unlessGone(ask(`${pathOf(session)}/rewind`, { method: 'POST', ...jsonOf({ message }) }))
}

/** Stops the answer that is being given in a chat. */
export function stopAnswer(session) {
  return ask(`${pathOf(session)}/stop`, { method: 'POST' })
}

/** Asks in a chat: the response streams the answer. The same id gives the same answer. */
export function postMessage(session, message, signal) {
  return request(`${pathOf(session)}/messages`, { method: 'POST', ...jsonOf(message), signal })
}

/** The answer that is being given, from the event after `lastId`; undefined where there is none. */
export async function openStream(session, lastId, signal) {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
  const response = await request(`${pathOf(session)}/stream`, { headers, signal })
  return response.status === 204 ? undefined : response
}

function pathOf(session) {
  return `/chats/${encodeURIComponent(session)}`
}

function jsonOf(value) {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

// Another tab was faster.
async function unlessGone(asked) {
  try {
    return await asked
  } catch (failure) {
    if (failure.status !== 404) throw failure
  }
}

async function ask(path, options) {
  const response = await request(path, options)
  return response.status === 204 ? undefined : response.json()
}

async function request(path, options) {
  let response
  try {
    response = await fetch(path, { ...options, cache: 'no-store', credentials: 'same-origin' })
  } catch (error) {
    if (options?.signal?.aborted) throw error
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
