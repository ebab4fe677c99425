import { byId } from './dom.js'
import { sessionLine } from './session-line.js'
import { count } from './words.js'

/** The list of chats at the left. */
export function sessionsView({ onDelete, onPin, onRename }) {
  const list = byId('session-list')
  const empty = byId('no-sessions')
  const nothing = empty.textContent
  let last

  function draw() {
    const { sessions, current, complete } = last
    const focus = focused()
    empty.hidden = sessions.length > 0 && complete
    empty.textContent = complete ? nothing : 'The list of your chats cannot be read right now.'
    list.replaceChildren(
      ...sessions.map((session) =>
        sessionLine(session, session.id === current, { onDelete, onPin, onRename, onRest }),
      ),
    )
    place(focus)
  }

  /** A name is written no longer: what came meanwhile can be shown. */
  function onRest(id) {
    draw()
    if (id !== undefined) place({ id, act: 'rename' })
  }

  /** The list is made anew: who was in it stays where he was. */
  function focused() {
    const { activeElement } = document
    const id = activeElement?.closest('#session-list .session')?.dataset.session
    return id === undefined ? undefined : { id, act: activeElement.dataset.act }
  }

  function place(focus) {
    if (focus === undefined) return
    const line = [...list.children].find(({ dataset }) => dataset.session === focus.id)
    line?.querySelector(`[data-act="${focus.act}"]`)?.focus()
  }

  return {
    show(sessions, current, { complete }) {
      last = { sessions, current, complete }
      if (list.querySelector('.rename') === null) draw()
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
