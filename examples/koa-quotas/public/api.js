import { eventsOf } from '../../rag-chat/public/events.js'

/** Said where nothing comes back. */
const unreachable = 'The server cannot be reached. Trying again.'

/** Who is there, and what counts. */
export async function readAbout() {
  return (await fetch('/about')).json()
}

/** Where a user stands; throws with words for the page. */
export async function readBudgets(user) {
  const response = await fetch('/budgets', { headers: as(user), cache: 'no-store' }).catch(() => {
    throw new Error(unreachable)
  })
  if (!response.ok) throw new Error('The store is away: budgets cannot be read. Trying again.')
  return response.json()
}

/** Forgets what a user and the tenant have used. */
export async function reset(user) {
  const { ok } = await fetch('/reset', { method: 'POST', headers: as(user) })
  if (!ok) throw new Error('The budgets could not be reset.')
}

/** Asks: tells of each event, and comes back with how it ended. */
export async function ask(user, asked, { signal, onEvent }) {
  const body = JSON.stringify(asked)
  const response = await fetch('/ask', { method: 'POST', headers: as(user), body, signal })
  if (!response.ok) return failure(response)
  for await (const { event, data } of eventsOf(response.body)) onEvent(event, data)
  return { status: 200 }
}

async function failure(response) {
  const problem = await response.json().catch(() => ({}))
  const retryAfter = response.headers.get('retry-after')
  return {
    status: response.status,
    detail: problem.detail,
    violated: problem['violated-policies'] ?? [],
    retryAfter: retryAfter === null ? undefined : Number(retryAfter),
  }
}

function as(user) {
  return { 'x-demo-user': user }
}
