import { byId } from './dom.js'

/** The field for questions. `onAsk` says whether it took the question; `onStop` stops the answer. */
export function composer({ onAsk, onStop }) {
  const field = byId('question')

  function send() {
    const question = field.value.trim()
    if (question === '' || !onAsk(question)) return
    field.value = ''
    resize()
  }

  // Where CSS cannot size a field by its content.
  function resize() {
    if (CSS.supports('field-sizing', 'content')) return
    field.rows = Math.min(8, field.value.split('\n').length)
  }

  field.addEventListener('input', resize)
  field.addEventListener('keydown', (event) => {
    // Enter also ends the composition of a Chinese or Japanese word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    send()
  })
  byId('composer').addEventListener('submit', (event) => {
    event.preventDefault()
    send()
    field.focus()
  })
  byId('stop').addEventListener('click', onStop)
  return { focus: () => field.focus() }
}
