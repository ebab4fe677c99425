import { byId, h, icon } from './dom.js'
import { ago, count } from './words.js'

/** The list of chats at the left. */
export function sessionsView({ onDelete }) {
  const list = byId('session-list')
  const empty = byId('no-sessions')
  const nothing = empty.textContent

  return {
    show(sessions, current, { complete }) {
      empty.hidden = sessions.length > 0 && complete
      empty.textContent = complete ? nothing : 'The list of your chats cannot be read right now.'
      list.replaceChildren(...sessions.map((session) => line(session, current, onDelete)))
    },
    /** Asks before a chat goes for good. */
    confirmDelete(session) {
      const dialog = byId('confirm')
      const what = `“${session.title ?? 'Untitled'}” and its ${count(session.messages, 'message')} go for good.`
      byId('confirm-text').textContent = what
      dialog.returnValue = 'cancel'
      dialog.showModal()
      return new Promise((resolve) => {
        dialog.addEventListener('close', () => resolve(dialog.returnValue === 'delete'), {
          once: true,
        })
      })
    },
  }
}

function line(session, current, onDelete) {
  const title = session.title ?? 'Untitled'
  const here = session.id === current
  const link = h(
    'a',
    {
      class: 'session-link',
      href: `#/chat/${encodeURIComponent(session.id)}`,
      'aria-current': here ? 'page' : undefined,
    },
    h('span', { class: 'session-title', title }, title),
    h(
      'span',
      { class: 'session-when' },
      `${ago(session.updatedAt)} · ${count(session.messages, 'message')}`,
    ),
  )
  const remove = h(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': `Delete “${title}”`,
      onclick: () => onDelete(session),
    },
    icon('trash'),
  )
  return h('li', { class: 'session' }, link, remove)
}
