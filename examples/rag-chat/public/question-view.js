import { h, icon } from './dom.js'

/** A question, which can be asked in other words. `onEdit` says whether it took them. */
export function questionView(question, onEdit) {
  const words = h('p', { class: 'asked' }, question)
  const edit = h(
    'button',
    {
      type: 'button',
      class: 'icon-button edit',
      'aria-label': 'Edit this question',
      onclick: open,
    },
    icon('pen'),
  )
  const element = h('div', { class: 'asked-line' }, edit, words)

  function open() {
    element.replaceChildren(form(question, { onDone: close, onSend: onEdit }))
    element.querySelector('textarea').focus()
  }

  function close() {
    element.replaceChildren(edit, words)
    edit.focus()
  }

  return element
}

function form(question, { onDone, onSend }) {
  const field = h('textarea', {
    class: 'edit-text',
    'aria-label': 'Your question, in other words',
    maxlength: 2000,
    rows: Math.min(8, question.split('\n').length),
  })
  field.value = question

  async function send(event) {
    event?.preventDefault()
    const text = field.value.trim()
    if (text === '') return
    if (text === question) onDone()
    else await onSend(text)
  }

  function onkeydown(event) {
    if (event.isComposing) return
    if (event.key === 'Escape') onDone()
    else if (event.key === 'Enter' && !event.shiftKey) void send(event)
  }
  field.addEventListener('keydown', onkeydown)
  return h(
    'form',
    { class: 'edit-form', onsubmit: send },
    field,
    h(
      'div',
      { class: 'edit-actions' },
      h('p', { class: 'edit-hint' }, 'What was said after it is taken back.'),
      h('button', { type: 'button', class: 'button', onclick: onDone }, 'Cancel'),
      h('button', { type: 'submit', class: 'button primary' }, 'Ask again'),
    ),
  )
}
