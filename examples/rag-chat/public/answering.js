import { postMessage, stopAnswer } from './api.js'
import { byId } from './dom.js'
import { follow, openUnderWay } from './following.js'

const endings = { complete: 'Answered', aborted: 'Stopped' }

/** The one answer that is on its way in the chat that is shown. */
export class Answering {
  #hears
  #running
  #locked = false

  /** Hears `onBegun`, `onAnswered` and `onLost` with the chat; shows in `trace` what it is told. */
  constructor(hears) {
    this.#hears = hears
  }

  get busy() {
    return this.#running !== undefined || this.#locked
  }

  /** Asks; `fresh` asks for another answer than the one that was given. */
  ask(session, view, { fresh = false } = {}) {
    const message = { id: view.id, text: view.question, fresh }
    const open = (signal) => postMessage(session, message, signal)
    void this.#run(session, view, { open, fresh: true, waiting: 'Reading the documents' })
  }

  /** Goes on with the answer to a question that has none yet, whoever gives it. */
  resume(session, view) {
    const open = (signal) => openUnderWay(session, signal)
    void this.#run(session, view, { open, fresh: false, waiting: 'Looking for its answer' })
  }

  /** Only the answer that is seen is stopped: one that waits for another's end, when it begins. */
  stop() {
    const mine = this.#running
    if (!mine || mine.stopping) return
    mine.stopping = true
    byId('status').textContent = 'Stopping'
    this.#show()
    if (mine.begun) void this.#tellStop(mine)
  }

  /** Follows no longer; the server finishes and keeps the answer. */
  leave() {
    this.#running?.away.abort()
    this.#running = undefined
    this.#show()
  }

  /** Does something while no answer is on its way; false where it cannot, or it failed. */
  async alone(act) {
    if (this.busy) return false
    this.#locked = true
    try {
      await act()
      return true
    } catch (failure) {
      this.#hears.onFailure(failure)
      return false
    } finally {
      this.#locked = false
    }
  }

  async #run(session, view, { open, fresh, waiting }) {
    if (this.#running) return
    const mine = { session, view, fresh, away: new AbortController(), stopping: false }
    this.#running = mine
    this.#show()
    view.wait(waiting)
    byId('status').textContent = waiting
    const found = await this.#follow(mine, open)
    if (this.#running !== mine) return
    this.#running = undefined
    this.#show()
    if (found) this.#hears.onAnswered(session)
    else this.#hears.onLost(session)
  }

  /** False where the answer is to be read instead: it has ended, or is an old one. */
  async #follow(mine, open) {
    const { session, view, away } = mine
    try {
      const response = await open(away.signal)
      const end = await follow(session, response, this.#listener(mine), away.signal)
      if (away.signal.aborted) return true
      if (!end || view.lacks) return false
      await conclude(view, end, mine.reason)
    } catch (failure) {
      if (!away.signal.aborted) this.#refused(view, failure)
    }
    return true
  }

  #listener(mine) {
    const { view, session, fresh } = mine
    return {
      start: ({ message }) => {
        view.stored = true
        view.answerId = message
        if (!mine.begun) this.#hears.onBegun(session)
        mine.begun = true
        if (mine.stopping) void this.#tellStop(mine)
      },
      delta: ({ text }) => view.delta(text),
      'data-sources': ({ data }) => view.sources(data),
      'data-trace': ({ data }) => {
        view.traced(data)
        this.#hears.trace.add(view.id, view.question, data, { fresh })
      },
      failure({ errorText }) {
        mine.reason = errorText
      },
    }
  }

  #refused(view, failure) {
    byId('status').textContent = ''
    view.fail(failure)
    if (failure.status === 429)
      this.#hears.trace.refused(view.id, view.question, failure.waitSeconds)
  }

  async #tellStop(mine) {
    try {
      await stopAnswer(mine.session)
    } catch (failure) {
      mine.stopping = false
      this.#show()
      this.#hears.onFailure(failure)
    }
  }

  #show() {
    const busy = this.#running !== undefined
    const stop = byId('stop')
    const hadFocus = document.activeElement === stop
    byId('chat').toggleAttribute('data-busy', busy)
    byId('send').hidden = busy
    stop.hidden = !busy
    stop.setAttribute('aria-disabled', String(this.#running?.stopping ?? false))
    if (hadFocus && !busy) byId('question').focus()
  }
}

async function conclude(view, { status }, reason) {
  if (view.empty && status !== 'aborted') {
    byId('status').textContent = ''
    view.fail({ message: reason ?? 'The answer broke off.', waitSeconds: 0 })
    return
  }
  await view.finish(status, reason)
  byId('status').textContent = endings[status] ?? 'The answer broke off'
}
