import { byId, h } from '../../rag-chat/public/dom.js'

/** Shows who can be picked; the address keeps the choice. Gives the user picked, with the tenant. */
export function peopleView(tenants, onPick) {
  const people = tenants.flatMap((tenant) =>
    tenant.users.map((name) => ({ id: `${tenant.id}.${name}`, name: capital(name), tenant })),
  )
  const named = () => people.find(({ id }) => `#${id}` === location.hash) ?? people[0]

  byId('tenants').replaceChildren(
    ...tenants.map((tenant) =>
      h(
        'div',
        {
          class: 'tenant',
          role: 'group',
          'aria-label': `${tenant.name}, ${tenant.plan.name} plan`,
        },
        h(
          'p',
          { class: 'tenant-name' },
          tenant.name,
          h('span', { class: 'plan' }, tenant.plan.name),
        ),
        h(
          'div',
          { class: 'users' },
          ...people.filter((each) => each.tenant === tenant).map(choice),
        ),
      ),
    ),
  )
  byId('people').addEventListener('change', ({ target }) => {
    history.replaceState(null, '', `#${target.value}`)
    onPick(named())
  })
  addEventListener('hashchange', () => {
    show()
    onPick(named())
  })
  show()
  return named()

  function show() {
    byId(`user-${named().id}`).checked = true
  }
}

function choice({ id, name }) {
  return h(
    'span',
    { class: 'user' },
    h('input', { type: 'radio', name: 'user', id: `user-${id}`, value: id }),
    h('label', { for: `user-${id}` }, name),
  )
}

function capital(name) {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
