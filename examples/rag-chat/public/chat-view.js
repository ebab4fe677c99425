import { Answering } from './answering.js'
import { byId } from './dom.js'
import { failureBox } from './failure-box.js'
import { newId } from './ids.js'
import { TurnView } from './turn-view.js'

/** The conversation in the middle. */
export class ChatView {
  #trace
  #hears
  #answering
  #session
  #views = []
  #turns = byId('turns')
  #welcome = byId('welcome')
  #scroll = followed(byId('scroll'))

  /** `onLost` has it read again, `onTakeBack` takes a message back; the rest tells what happens. */
  constructor(trace, hears) {
    this.#trace = trace
    this.#hears = hears
    this.#answering = new Answering({ trace, ...hears })
  }

  get busy() {
    return this.#answering.busy
  }

  /** How many messages of the chat are shown. */
  get length() {
    return this.#views.reduce((sum, { stored, kept }) => sum + (stored ? 1 : 0) + (kept ? 1 : 0), 0)
  }

  /** False while an answer is on its way: the question stays where it is. */
  ask(question) {
    if (this.busy) return false
    this.#ask(this.#add(newId(), question))
    return true
  }

  stop() {
    this.#answering.stop()
  }

  /** Says why a chat cannot be shown. */
  refuse(id, failure, onRetry) {
    this.#session = id
    this.#clear()
    this.#welcome.hidden = true
    this.#turns.replaceChildren(failureBox(failure, onRetry))
  }

  /** Shows a chat: its messages, or the welcome where it has none. Goes on with an answer under way. */
  open(id, messages, { resume = true } = {}) {
    this.#session = id
    this.#scroll.follow()
    this.#clear()
    this.#welcome.hidden = messages.length > 0
    for (const [index, message] of messages.entries())
      if (message.role === 'user') this.#show(message, messages[index + 1])
    const last = this.#views.at(-1)
    if (resume && last && !last.kept) this.#answering.resume(id, last)
    this.#scroll.grown()
  }

  /** A turn of an earlier visit. */
  #show({ id, text }, reply) {
    const view = this.#add(id, text)
    view.stored = true
    if (reply?.role !== 'assistant')
      return view.fail({ message: 'This question has no answer.', waitSeconds: 0 }, { quiet: true })
    view.keep(reply)
    if (reply.trace) this.#trace.add(id, text, reply.trace, { fresh: false })
  }

  #add(id, question) {
    const view = new TurnView(id, question, {
      onTrace: () => this.#hears.onTrace(id),
      onGrow: this.#scroll.grown,
      onRetry: () => this.#ask(view),
      onAgain: () => this.#again(view),
      onEdit: (text) => this.#edit(view, text),
    })
    this.#welcome.hidden = true
    this.#views.push(view)
    this.#turns.append(view.element)
    return view
  }

  #ask(view, options) {
    this.#scroll.follow()
    this.#answering.ask(this.#session, view, options)
    this.#scroll.grown()
  }

  /** Takes the question back, and all after it; asks anew with an id of its own. */
  async #edit(view, text) {
    const at = this.#views.indexOf(view)
    const first = at === 0 ? view.question : undefined
    const done = await this.#answering.alone(
      () => view.stored && this.#hears.onTakeBack(this.#session, view.id, first),
    )
    if (!done) return
    for (const gone of this.#views.splice(at)) {
      gone.element.remove()
      this.#trace.remove(gone.id)
    }
    byId('question').focus()
    this.#ask(this.#add(newId(), text))
  }

  /** Takes the answer back, and has the same question answered anew. */
  async #again(view) {
    const done = await this.#answering.alone(
      () => view.kept && this.#hears.onTakeBack(this.#session, view.answerId),
    )
    if (!done) return
    byId('question').focus()
    this.#ask(view, { fresh: true })
  }

  #clear() {
    this.#answering.leave()
    this.#views = []
    this.#turns.replaceChildren()
    this.#trace.clear()
  }
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
