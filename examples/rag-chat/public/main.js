import { deleteSession, listSessions, readAbout, readMessages } from './api.js'
import { chatView } from './chat-view.js'
import { composer } from './composer.js'
import { byId, h } from './dom.js'
import { drawers } from './drawers.js'
import { newId } from './ids.js'
import { sessionsView } from './sessions-view.js'
import { traceView } from './trace-view.js'
import { count } from './words.js'

const slide = drawers()
const trace = traceView()
const list = sessionsView({ onDelete: remove })
const chat = chatView({ trace, onAnswered: answered, onTrace: showTrace })
const field = composer({ onAsk: ask })
let sessions = []
let current

function ask(question) {
  if (!chat.ask(question)) return false
  if (sessionInAddress() !== current) history.replaceState(null, '', addressOf(current))
  return true
}

function showTrace(turnId) {
  slide.open('trace', document.activeElement)
  trace.focus(turnId)
}

// Who left a chat while it was answered and came back sees the answer.
async function answered(session, { shown }) {
  warn()
  if (!shown && session === current) await open(session)
  else await refresh()
}

async function refresh() {
  const found = await listSessions().catch(() => undefined)
  sessions = found ?? sessions
  list.show(sessions, current, { complete: found !== undefined })
  const title = sessions.find(({ id }) => id === current)?.title
  byId('top-title').textContent = title ?? 'New chat'
}

async function open(id) {
  current = id
  warn()
  slide.close()
  try {
    const { messages, degraded } = await readMessages(id)
    chat.open(id, messages)
    if (degraded) warn('The store is away: only what was said since then can be shown.')
  } catch (failure) {
    chat.refuse(id, failure, () => open(id))
  }
  await refresh()
}

async function begin() {
  history.pushState(null, '', location.pathname)
  const opened = open(newId())
  field.focus()
  await opened
}

async function remove(session) {
  if (!(await list.confirmDelete(session))) return
  try {
    await deleteSession(session.id)
  } catch (failure) {
    return warn(failure.message)
  }
  if (session.id === current) await begin()
  else {
    await refresh()
    byId('new').focus()
  }
  byId('status').textContent = 'Chat deleted'
}

function warn(message = '') {
  byId('notice').textContent = message
  byId('notice').hidden = message === ''
}

function sessionInAddress() {
  const found = /^#\/chat\/([^/]+)$/u.exec(location.hash)?.[1]
  try {
    return found && decodeURIComponent(found)
  } catch {
    return undefined
  }
}

function addressOf(id) {
  return `#/chat/${encodeURIComponent(id)}`
}

function introduce({ title, documents, passages, store, answerer, limit, suggestions }) {
  document.title = `Chat with ${title}`
  byId('welcome-title').textContent = `Ask ${title}`
  byId('welcome-lead').textContent =
    `Answers come from ${count(documents, 'document')}, with their sources. Ask a follow-up to see memory at work, the same question again to see the cache.`
  byId('question').placeholder = `Ask about ${title}`
  trace.limit(limit)
  const facts = {
    Documents: `${count(documents, 'file')}, ${count(passages, 'passage')}`,
    Store: store,
    Answers: answerer,
  }
  byId('facts').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [
      h('dt', null, name),
      h('dd', null, value),
    ]),
  )
  byId('suggestions').replaceChildren(
    ...suggestions.map((text) =>
      h(
        'li',
        null,
        h('button', { type: 'button', class: 'suggestion', onclick: () => pick(text) }, text),
      ),
    ),
  )
}

// The button goes with the welcome: the focus must not go with it.
function pick(text) {
  field.focus()
  ask(text)
}

byId('new').addEventListener('click', begin)
addEventListener('popstate', () => void open(sessionInAddress() ?? newId()))
void readAbout().then(introduce, (failure) => {
  byId('welcome-lead').textContent = failure.message
})
await open(sessionInAddress() ?? newId())
