import { h, icon } from './dom.js'
import { blocks } from './markdown.js'
import { stillness } from './reveal.js'

/** The sources of an answer, each to be opened where it is cited. */
export function sourceList(sources) {
  if (sources.length === 0) return []
  const made = sources.map(({ number, trail, file, text }) =>
    h(
      'li',
      null,
      h(
        'details',
        { class: 'source', 'data-source': number },
        h(
          'summary',
          null,
          h('span', { class: 'source-number' }, String(number)),
          h('span', { class: 'source-title' }, trail.slice(-2).join(' › ')),
          h('span', { class: 'source-file' }, file),
          icon('chevron'),
        ),
        h('div', { class: 'text' }, blocks(text)),
      ),
    ),
  )
  return [h('ol', { class: 'sources', 'aria-label': 'Sources' }, made)]
}

/** The mark of a source in the text; undefined where there is no such source. */
export function citation(sources, number, place) {
  const source = sources.find((each) => each.number === number)
  if (!source) return undefined
  const label = `Source ${number}: ${source.trail.join(', ')}`
  const onclick = (event) => {
    event.preventDefault()
    look(place.querySelector(`[data-source="${number}"]`))
  }
  const link = { class: 'cite', href: `#source-${number}`, 'aria-label': label, onclick }
  return h('a', link, String(number))
}

function look(details) {
  if (details === null) return
  details.open = true
  details.scrollIntoView({ block: 'nearest', behavior: stillness.matches ? 'auto' : 'smooth' })
  details.querySelector('summary').focus({ preventScroll: true })
}
