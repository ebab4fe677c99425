import { h } from './dom.js'
import { failureBox } from './failure-box.js'
import { footView } from './foot-view.js'
import { blocks } from './markdown.js'
import { questionView } from './question-view.js'
import { reveal } from './reveal.js'
import { citation } from './sources-view.js'

/** One question and its answer, as it comes. */
export class TurnView {
  id
  question
  element
  /** Its id, once there is an answer. */
  answerId
  /** The server has the question. */
  stored = false
  #hears
  #text = h('div', { class: 'text' })
  #foot = h('div', { class: 'foot' })
  #answer = h(
    'div',
    { class: 'answer', 'aria-live': 'polite', 'aria-busy': 'false' },
    this.#text,
    this.#foot,
  )
  #sources
  #trace
  #words = reveal((markdown) => {
    const cite = (number) => citation(this.#sources ?? [], number, this.#foot)
    this.#text.replaceChildren(...blocks(markdown, cite))
    this.#hears.onGrow()
  })

  constructor(id, question, hears) {
    this.id = id
    this.question = question
    this.#hears = hears
    const asked = questionView(question, hears.onEdit)
    this.element = h('article', { class: 'turn', 'aria-label': question }, asked, this.#answer)
  }

  /** Nothing was said. */
  get empty() {
    return this.#words.empty()
  }

  /** The server has an answer: an empty one it does not keep. */
  get kept() {
    return this.answerId !== undefined && !this.empty
  }

  /** Words are there, but not what they rest on: the answer is an old one. */
  get lacks() {
    return this.#sources === undefined && !this.empty
  }

  wait(what) {
    this.answerId = undefined
    this.#sources = undefined
    this.#trace = undefined
    this.#words.reset()
    this.#answer.setAttribute('aria-busy', 'true')
    this.#text.replaceChildren(h('p', { class: 'waiting' }, what))
    this.#foot.replaceChildren()
  }

  sources(list) {
    this.#sources = list
  }

  traced(trace) {
    this.#trace = trace
  }

  delta(text) {
    this.#words.add(text)
  }

  async finish(status, reason) {
    await this.#words.drained()
    this.#conclude(status, reason)
  }

  /** An answer of an earlier visit, at once. */
  keep({ id, text, sources, trace, status = 'complete' }) {
    this.answerId = id
    this.#sources = sources
    this.#trace = trace
    this.#words.add(text)
    this.#words.all()
    this.#conclude(status)
  }

  fail(failure, options) {
    this.#words.reset()
    this.#text.replaceChildren()
    this.#settle(failureBox(failure, this.#hears.onRetry, options))
  }

  #conclude(status, reason) {
    if (this.empty) this.#text.replaceChildren()
    const told = { sources: this.#sources ?? [], trace: this.#trace, status, reason }
    this.#settle(...footView(told, this.#hears))
  }

  #settle(...children) {
    this.#foot.replaceChildren(...children)
    this.#answer.setAttribute('aria-busy', 'false')
    this.#hears.onGrow()
  }
}
