import { h, icon } from './dom.js'
import { ago, count } from './words.js'

/** One chat of the list: a link to it, and what can be done with it. */
export function sessionLine(session, here, { onDelete, onPin, onRename, onRest }) {
  const title = session.title ?? 'Untitled'
  const link = h(
    'a',
    {
      class: 'session-link',
      href: `#/chat/${encodeURIComponent(session.id)}`,
      'aria-current': here ? 'page' : undefined,
      'data-act': 'open',
    },
    h(
      'span',
      { class: 'session-title', title },
      session.pinned ? [icon('pin'), h('span', { class: 'hidden' }, 'Pinned: ')] : [],
      title,
    ),
    h('span', { class: 'session-when' }, when(session)),
  )
  const pinned = session.pinned ? `Unpin “${title}”` : `Pin “${title}”`
  const actions = h(
    'div',
    { class: 'session-actions' },
    action('pin', pinned, () => onPin(session)),
    action('rename', `Rename “${title}”`, rename),
    action('delete', `Delete “${title}”`, () => onDelete(session)),
  )
  const element = h('li', { class: 'session', 'data-session': session.id }, link, actions)

  function rename() {
    const form = renaming(title, {
      onName: (name) => onRename(session, name),
      onRest: (byKey) => onRest(byKey ? session.id : undefined),
    })
    element.replaceChildren(form)
    form.querySelector('input').select()
  }

  return element
}

const pictures = { pin: 'pin', rename: 'pen', delete: 'trash' }

function action(act, label, onclick) {
  return h(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': label,
      title: label,
      'data-act': act,
      onclick,
    },
    icon(pictures[act]),
  )
}

function when({ running, updatedAt, messages }) {
  return running ? 'Being answered' : `${ago(updatedAt)} · ${count(messages, 'message')}`
}

/** A field in the place of the title. Enter keeps what is written, so does leaving; Escape does not. */
function renaming(title, { onName, onRest }) {
  const field = h('input', {
    class: 'rename-text',
    type: 'text',
    maxlength: 200,
    autocomplete: 'off',
    enterkeyhint: 'done',
    'aria-label': `New name of “${title}”`,
  })
  field.value = title
  let over = false

  async function end(byKey, keep) {
    if (over) return
    over = true
    const name = field.value.trim()
    if (keep && name !== '' && name !== title) await onName(name)
    form.remove()
    onRest(byKey)
  }

  field.addEventListener('keydown', (event) => {
    if (event.isComposing || event.key !== 'Escape') return
    event.preventDefault()
    void end(true, false)
  })
  field.addEventListener('blur', () => void end(false, true))
  const onsubmit = (event) => {
    event.preventDefault()
    void end(true, true)
  }
  const form = h('form', { class: 'rename', onsubmit }, field)
  return form
}
