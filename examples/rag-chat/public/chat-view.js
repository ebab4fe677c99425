import { sendMessage } from './api.js'
import { byId } from './dom.js'
import { failureBox } from './failure-box.js'
import { newId } from './ids.js'
import { turnView } from './turn-view.js'

/** The conversation in the middle. */
export function chatView({ trace, onAnswered, onTrace }) {
  const turns = byId('turns')
  const welcome = byId('welcome')
  const status = byId('status')
  let session
  let busy = false

  const scroll = followed(byId('scroll'))

  function add(id, question) {
    const view = turnView(id, question, {
      onTrace,
      onGrow: scroll.grown,
      onRetry: () => answer(view),
    })
    welcome.hidden = true
    turns.append(view.element)
    return view
  }

  async function answer(view) {
    if (busy) return
    const asked = session
    occupied(true)
    status.textContent = 'Reading the documents'
    scroll.follow()
    view.wait()
    try {
      const told = await stream(asked, view)
      status.textContent = 'Answered'
      if (told && session === asked) trace.add(view.id, view.question, told, { fresh: true })
    } catch (failure) {
      status.textContent = ''
      view.fail(failure)
      if (failure.status === 429) trace.refused(view.id, view.question, failure.waitSeconds)
    } finally {
      occupied(false)
      onAnswered(asked, { shown: view.element.isConnected })
    }
  }

  function occupied(now) {
    busy = now
    byId('send').setAttribute('aria-disabled', String(now))
  }

  return {
    /** False while an answer is on its way: the question stays where it is. */
    ask(question) {
      if (busy) return false
      void answer(add(newId(), question))
      return true
    },
    /** Says why a chat cannot be shown. */
    refuse(id, failure, onRetry) {
      session = id
      trace.clear()
      welcome.hidden = true
      turns.replaceChildren(failureBox(failure, onRetry))
    },
    /** Shows a chat: its messages, or the welcome where it has none. */
    open(id, messages) {
      session = id
      scroll.follow()
      turns.replaceChildren()
      trace.clear()
      welcome.hidden = messages.length > 0
      showKept(messages, add, trace)
      scroll.grown()
    },
  }
}

/** Asks, and lays the answer out as it comes; gives what the middlewares did. */
async function stream(session, view) {
  let told
  const asked = { id: view.id, text: view.question }
  await sendMessage(session, asked, {
    sources: view.sources,
    delta: ({ text }) => view.delta(text),
    trace: (trace) => {
      told = trace
    },
  })
  await view.finish(told)
  return told
}

/** Turns of an earlier visit. */
function showKept(messages, add, trace) {
  for (const [index, { id, role, text }] of messages.entries()) {
    if (role !== 'user') continue
    const view = add(id, text)
    const reply = messages[index + 1]
    if (reply?.role === 'assistant') keepReply(view, reply, trace)
    else view.fail({ message: 'This question has no answer yet.', waitSeconds: 0 }, { quiet: true })
  }
}

function keepReply(view, reply, trace) {
  view.sources(reply.sources)
  view.keep(reply.text, reply.trace)
  if (reply.trace) trace.add(view.id, view.question, reply.trace, { fresh: false })
}

/** Follows what grows down, as long as the reader has not scrolled away from its end. */
function followed(element) {
  let follows = true
  element.addEventListener('scroll', () => {
    follows = element.scrollHeight - element.scrollTop - element.clientHeight < 80
  })
  function grown() {
    if (follows) element.scrollTop = element.scrollHeight
  }
  return {
    grown,
    follow() {
      follows = true
    },
  }
}
