import { byId } from '../../rag-chat/public/dom.js'
import { ask } from './api.js'
import { Refusals, Request } from './request.js'
import { count, duration, titles } from './rules.js'

const mostShown = 30
const tickMs = 250

/** What this page asks. `onChange` hears of each step. */
export class Requests {
  #underWay = new Map()
  #refusals = new Set()
  #onChange

  constructor(onChange) {
    this.#onChange = onChange
    setInterval(() => {
      for (const refusals of this.#refusals) refusals.tick()
    }, tickMs)
  }

  get busy() {
    return this.#underWay.size > 0
  }

  /** Asks, and gives how it ended. */
  async ask(user, asked) {
    const request = new Request(user, asked)
    const stop = new AbortController()
    this.#underWay.set(request, stop)
    const shown = () => request.element.isConnected || this.#show(request.element)
    const onEvent = (event, data) => {
      shown()
      request.take(event, data)
      if (event !== 'chunk') this.#onChange()
    }
    // What fails shows after a while that it is under way; what is refused never was.
    const late = setTimeout(shown, tickMs)
    this.#onChange()
    try {
      const end = await ask(user.id, asked, { signal: stop.signal, onEvent })
      if (end.status === 429) this.#refused(request, end)
      else if (end.status !== 200) request.fail(end)
      if (end.status !== 200 && end.status !== 429) shown()
      return { ...end, used: request.settled, reserved: request.estimate }
    } catch {
      shown()
      if (stop.signal.aborted) request.stop()
      else request.fail({})
      return { stopped: stop.signal.aborted }
    } finally {
      clearTimeout(late)
      this.#underWay.delete(request)
      this.#onChange()
    }
  }

  stop() {
    for (const stop of this.#underWay.values()) stop.abort()
  }

  #refused(request, { violated, retryAfter }) {
    request.element.remove()
    const same = [...this.#refusals].at(-1)
    const first = byId('requests').querySelector('.refused')
    let refusals = same
    if (!same?.holds(request.user, violated) || first !== same.element) {
      refusals = new Refusals(request.user, violated)
      this.#refusals.add(refusals)
      this.#show(refusals.element)
    }
    refusals.add(retryAfter)
  }

  #show(element) {
    byId('welcome').hidden = true
    const list = byId('requests')
    list.prepend(element)
    while (list.childElementCount > mostShown) list.lastElementChild.remove()
    for (const each of this.#refusals) if (!each.element.isConnected) this.#refusals.delete(each)
  }
}

/** How requests that were sent together ended, for who hears the page. */
export function wordsOf(ends) {
  if (ends.length === 1) return wordsOfOne(ends[0])
  const refused = ends.filter(({ status }) => status === 429)
  const by = titles([...new Set(refused.flatMap(({ violated }) => violated))])
  const answered = ends.filter(({ status }) => status === 200).length
  return `${answered} of ${ends.length} answered, ${refused.length} refused${by && ` by ${by}`}`
}

function wordsOfOne({ status, stopped, used, reserved, violated, retryAfter, detail }) {
  if (stopped) return 'Stopped'
  if (status === 200) return `Answered: ${count(reserved, 'token')} reserved, ${used} used`
  if (status === 429) {
    const wait = retryAfter === undefined ? '' : `, try again in ${duration(retryAfter)}`
    return `Refused by ${titles(violated)}${wait}`
  }
  return detail ?? 'The connection was lost'
}
