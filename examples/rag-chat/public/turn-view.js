import { h } from './dom.js'
import { failureBox } from './failure-box.js'
import { blocks } from './markdown.js'
import { reveal } from './reveal.js'
import { citation, sourceList } from './sources-view.js'
import { count, milliseconds } from './words.js'

/** One question and its answer, as it comes. */
export function turnView(id, question, { onTrace, onRetry, onGrow }) {
  const text = h('div', { class: 'text' })
  const foot = h('div', { class: 'foot' })
  const answer = h(
    'div',
    { class: 'answer', 'aria-live': 'polite', 'aria-busy': 'false' },
    text,
    foot,
  )
  const asked = h('p', { class: 'asked' }, question)
  const element = h('article', { class: 'turn', 'aria-label': question }, asked, answer)
  let sources = []

  const words = reveal((markdown) => {
    text.replaceChildren(...blocks(markdown, (number) => citation(sources, number, foot)))
    onGrow()
  })

  function settle(...children) {
    foot.replaceChildren(...children)
    answer.setAttribute('aria-busy', 'false')
    onGrow()
  }

  function footOf(trace) {
    return [...sourceList(sources), ...(trace ? [meta(trace, () => onTrace(id))] : [])]
  }

  return {
    id,
    question,
    element,
    wait() {
      sources = []
      words.reset()
      answer.setAttribute('aria-busy', 'true')
      text.replaceChildren(h('p', { class: 'waiting' }, 'Reading the documents'))
      foot.replaceChildren()
    },
    sources(list) {
      sources = list
    },
    delta: words.add,
    async finish(trace) {
      await words.drained()
      settle(...footOf(trace))
    },
    /** An answer of an earlier visit, at once. */
    keep(markdown, trace) {
      words.add(markdown)
      words.all()
      settle(...footOf(trace))
    },
    fail(failure, options) {
      words.reset()
      text.replaceChildren()
      settle(failureBox(failure, onRetry, options))
    },
  }
}

function meta({ cache, memory, limit, ms }, onclick) {
  const facts = [
    `cache ${cache.status}`,
    memory.turnsUsed > 0 ? `${count(memory.turnsUsed, 'turn')} of memory used` : '',
    `${limit.remaining} left`,
    milliseconds(ms.total),
  ]
  const spans = facts.filter((fact) => fact !== '').map((fact) => h('span', null, fact))
  return h(
    'button',
    { type: 'button', class: 'meta', title: 'What the middlewares did', onclick },
    spans,
  )
}
