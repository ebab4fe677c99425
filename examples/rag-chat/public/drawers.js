import { byId } from './dom.js'

const narrow = {
  sessions: matchMedia('(max-width: 46rem)'),
  trace: matchMedia('(max-width: 68rem)'),
}

/** The columns that slide in where the window is too narrow for them. */
export function drawers() {
  let opener

  function settle() {
    const { open } = document.body.dataset
    for (const [name, query] of Object.entries(narrow)) {
      byId(name).inert = query.matches ? open !== name : open !== undefined
      opener?.setAttribute('aria-expanded', String(open !== undefined))
    }
    byId('chat').inert = open !== undefined
    byId('top').inert = open !== undefined
  }

  function open(name, from) {
    if (!narrow[name].matches) return false
    close()
    opener = from
    document.body.dataset.open = name
    settle()
    byId(name).focus()
    return true
  }

  function close() {
    if (document.body.dataset.open === undefined) return
    delete document.body.dataset.open
    settle()
    opener?.focus()
    opener = undefined
  }

  for (const button of document.querySelectorAll('[data-drawer]'))
    button.addEventListener('click', () => open(button.dataset.drawer, button))
  for (const button of document.querySelectorAll('[data-close]'))
    button.addEventListener('click', close)
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close()
  })
  for (const query of Object.values(narrow))
    query.addEventListener('change', () => {
      close()
      settle()
    })
  settle()
  return { open, close }
}
