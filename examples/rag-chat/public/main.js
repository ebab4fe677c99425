import {
  changeSession,
  deleteSession,
  listSessions,
  readAbout,
  readMessages,
  rewind,
} from './api.js'
import { cachePanel } from './cache-panel.js'
import { ChatView } from './chat-view.js'
import { composer } from './composer.js'
import { byId, h } from './dom.js'
import { drawers } from './drawers.js'
import { newId } from './ids.js'
import { sessionsView } from './sessions-view.js'
import { traceView } from './trace-view.js'
import { count } from './words.js'

const lookAgainMs = 2000
const slide = drawers()
const trace = traceView()
const watched = cachePanel()
const list = sessionsView({ onDelete: remove, onPin: pin, onRename: rename })
const chat = new ChatView(trace, {
  onAnswered: answered,
  onBegun: begun,
  onFailure: (failure) => warn(failure.message),
  onLost: (session) => session === current && open(session, { resume: false }),
  onTakeBack: takeBack,
  onTrace: showTrace,
})
const field = composer({ onAsk: ask, onStop: () => chat.stop() })
let sessions = []
let current
let looking

function ask(question) {
  if (!chat.ask(question)) return false
  if (sessionInAddress() !== current) history.replaceState(null, '', addressOf(current))
  return true
}

function showTrace(turnId) {
  slide.open('trace', document.activeElement)
  trace.focus(turnId)
}

/** A chat is listed as soon as its first question is kept. */
async function begun(session) {
  if (!sessions.some(({ id }) => id === session)) await refresh()
}

async function answered(session) {
  warn()
  await refresh()
  const known = sessions.find(({ id }) => id === session)
  // Another tab has taken a turn of its own meanwhile.
  const more = known !== undefined && known.messages > chat.length
  if (more && session === current && !chat.busy) await open(session)
}

async function refresh() {
  clearTimeout(looking)
  const found = await listSessions().catch(() => undefined)
  sessions = found ?? sessions
  list.show(sessions, current, { complete: found !== undefined })
  const title = sessions.find(({ id }) => id === current)?.title
  byId('top-title').textContent = title ?? 'New chat'
  if (sessions.some(({ id, running }) => running && id !== current))
    looking = setTimeout(refresh, lookAgainMs)
}

async function open(id, options) {
  current = id
  warn()
  slide.close()
  try {
    const { messages, degraded } = await readMessages(id)
    if (id !== current) return
    chat.open(id, messages, options)
    if (degraded) warn('The store is away: only what was said since then can be shown.')
  } catch (failure) {
    if (id === current) chat.refuse(id, failure, () => open(id))
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

async function pin(session) {
  const pinned = !session.pinned
  await change(session, { pinned }, pinned ? 'Pinned to the top' : 'No longer pinned')
}

async function rename(session, title) {
  await change(session, { title }, 'Chat renamed')
}

async function change(session, changes, done) {
  try {
    await changeSession(session.id, changes)
    byId('status').textContent = done
  } catch (failure) {
    warn(failure.message)
  }
  await refresh()
}

/** Takes a message back and all after it; a chat that was named by its first question is not any more. */
async function takeBack(session, message, first) {
  await rewind(session, message)
  const { title } = sessions.find(({ id }) => id === session) ?? {}
  if (first && title && first.replace(/\s+/gu, ' ').startsWith(title.replace(/…$/u, '')))
    await changeSession(session, { title: null })
}

function stopByKey({ key, isComposing, target }) {
  const elsewhere = document.body.dataset.open || target.closest?.('form:not(#composer), dialog')
  if (key === 'Escape' && !isComposing && !elsewhere && chat.busy) chat.stop()
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

function introduce({ title, documents, passages, store, answerer, limit, suggestions, cached }) {
  document.title = `Chat with ${title}`
  byId('welcome-title').textContent = `Ask ${title}`
  byId('welcome-lead').textContent =
    `Answers come from ${count(documents, 'document')}, with their sources. Ask a follow-up to see memory at work, the same question again to see the cache.`
  byId('question').placeholder = `Ask about ${title}`
  trace.limit(limit)
  watched.introduce(cached, suggestions[0] ?? title)
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
// Before the drawers hear of it: the key does one thing at a time.
document.addEventListener('keydown', stopByKey, { capture: true })
addEventListener('popstate', () => void open(sessionInAddress() ?? newId()))
void readAbout().then(introduce, (failure) => {
  byId('welcome-lead').textContent = failure.message
})
await open(sessionInAddress() ?? newId())
