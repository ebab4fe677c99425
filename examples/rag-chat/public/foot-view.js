import { h, icon } from './dom.js'
import { sourceList } from './sources-view.js'
import { count, milliseconds, stateWords } from './words.js'

/** What stands below an answer: its sources, what became of it, and what can be done with it. */
export function footView({ sources, trace, status, reason }, { onTrace, onAgain }) {
  const broken = reason ? [h('p', { class: 'reason', role: 'alert' }, reason)] : []
  const again = h(
    'button',
    { type: 'button', class: 'regenerate', onclick: onAgain },
    icon('again'),
    'Regenerate',
  )
  const under = h(
    'div',
    { class: 'under' },
    trace ? meta(trace, onTrace) : '',
    status === 'complete' ? '' : h('span', { class: 'state' }, stateWords(status)),
    again,
  )
  return [...sourceList(sources), ...broken, under]
}

function meta({ cache, memory, limit, ms }, onclick) {
  const facts = [
    cache ? `cache ${cache.status}` : '',
    memory.turnsUsed > 0 ? `${count(memory.turnsUsed, 'turn')} of memory used` : '',
    `${limit.remaining} left`,
    ms ? milliseconds(ms.total) : '',
  ]
  const spans = facts.filter((fact) => fact !== '').map((fact) => h('span', null, fact))
  return h(
    'button',
    { type: 'button', class: 'meta', title: 'What the middlewares did', onclick },
    spans,
  )
}
