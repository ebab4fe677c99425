import { h } from '../../rag-chat/public/dom.js'
import { count, duration, number, titles } from './rules.js'

/** One request of the page, as a card that changes while it is under way. */
export class Request {
  #text = h('p', { class: 'request-text' })
  #state = h('span', { class: 'badge wait' }, 'Waiting')
  #cost = h('p', { class: 'request-cost' })
  #said = ''

  constructor(user, { question, long }) {
    this.user = user
    this.element = h(
      'li',
      { class: 'request' },
      h(
        'div',
        { class: 'request-head' },
        h('p', { class: 'request-question' }, long ? `${question} At length.` : question),
        h('span', { class: 'request-user' }, user.name),
        this.#state,
      ),
      this.#text,
      this.#cost,
    )
  }

  /** Takes what the server tells. */
  take(event, data) {
    if (event === 'reserved') {
      this.estimate = data.tokens
      this.#show('wait', 'Under way')
      this.#cost.textContent = `${count(data.tokens, 'token')} reserved`
    } else if (event === 'chunk') {
      this.#said += data.choices[0]?.delta.content ?? ''
      this.#text.replaceChildren(...marked(this.#said))
      this.#text.scrollTop = this.#text.scrollHeight
    } else if (event === 'settled') {
      this.settled = data.total_tokens
      this.#show('good', 'Settled')
      this.#cost.textContent = costWords(this.estimate, data.total_tokens)
    }
  }

  stop() {
    this.#show('', 'Stopped')
    this.#cost.textContent = 'Costs what was said until then; the rest came back'
  }

  fail({ status, detail }) {
    this.#show('bad', status === undefined ? 'Broke off' : `Failed · ${status}`)
    this.#text.textContent = detail ?? 'The connection was lost.'
    this.#cost.textContent =
      status === undefined ? '' : 'Nothing counts: what was reserved came back, and the request too'
  }

  #show(kind, words) {
    this.#state.className = `badge ${kind}`
    this.#state.textContent = words
  }
}

/** Refusals by the same rules, one after the other, and how long to wait. */
export class Refusals {
  #count = 0
  #until
  #title = h('p', { class: 'request-question' })
  #wait = h('p', { class: 'request-cost' })

  constructor(user, violated) {
    this.user = user
    this.violated = violated
    this.#title.textContent = `Refused by ${titles(violated)}`
    this.badge = h('span', { class: 'badge bad' })
    this.element = h(
      'li',
      { class: 'request refused' },
      h(
        'div',
        { class: 'request-head' },
        this.#title,
        h('span', { class: 'request-user' }, user.name),
        this.badge,
      ),
      this.#wait,
    )
  }

  /** Whether one more such refusal belongs here. */
  holds(user, violated) {
    return user === this.user && violated.join() === this.violated.join()
  }

  add(retryAfter) {
    this.#count += 1
    this.#until = retryAfter === undefined ? undefined : performance.now() + 1000 * retryAfter
    this.badge.textContent = this.#count === 1 ? '429' : `429 × ${number(this.#count)}`
    this.tick()
  }

  /** Counts down. */
  tick() {
    if (this.#until === undefined) {
      this.#wait.textContent = 'It can never pass'
      return
    }
    const left = (this.#until - performance.now()) / 1000
    this.#wait.textContent = left > 0 ? `Retry-After: ${duration(left)}` : 'May be tried again'
    this.element.classList.toggle('over', left <= 0)
  }
}

/** Text whose code is shown as such. */
function marked(text) {
  return text
    .split(/(`[^`]+`)/u)
    .map((part) => (/^`[^`]+`$/u.test(part) ? h('code', null, part.slice(1, -1)) : part))
}

function costWords(estimate, used) {
  const change = estimate - used
  const settled = `${number(estimate)} reserved, ${number(used)} used`
  if (change === 0) return settled
  return change > 0
    ? `${settled}: ${number(change)} came back`
    : `${settled}: ${number(-change)} more`
}
