import { byId, h } from '../../rag-chat/public/dom.js'
import { count, duration, number, rules } from './rules.js'

const mostPieces = 10

/** Shows where somebody stands with each rule. */
export function budgetsView() {
  const rows = new Map(Object.keys(rules).map((name) => [name, row(name)]))
  byId('rules').replaceChildren(...[...rows.values()].map(({ element }) => element))
  return {
    show({ limits, blocked, reserved }, user) {
      byId('budgets-note').textContent = `${user.name} of ${user.tenant.name}, in all processes`
      for (const [name, { show }] of rows) {
        const standing = limits[name]
        if (standing)
          show(standing, { user, blocked: blocked.includes(name), reserved: reserved[name] ?? 0 })
      }
    },
  }
}

function row(name) {
  const { title, whose, shadow, plan, unit } = rules[name]
  const used = h('strong', { class: 'rule-used' })
  const of = h('span', { class: 'rule-of' })
  const owner = h('span', { class: 'rule-owner' })
  const note = h('p', { class: 'rule-note' })
  const badge = h('span', { class: 'badge bad', hidden: true }, 'Blocked')
  const bar = h('div', { class: 'meter', role: 'meter', 'aria-label': title, 'aria-valuemin': 0 })
  const element = h(
    'li',
    { class: `rule${shadow ? ' shadow' : ''}`, 'data-rule': name },
    h(
      'div',
      { class: 'rule-head' },
      h('h3', null, title),
      shadow ? h('span', { class: 'badge' }, 'Shadow') : undefined,
      badge,
      h('p', { class: 'rule-numbers' }, used, of),
    ),
    bar,
    h('div', { class: 'rule-foot' }, note, owner),
  )
  const draw = drawer(bar)
  return {
    element,
    show(standing, { user, blocked, reserved }) {
      const by = `per ${whose}`
      owner.textContent = plan ? `${by} · ${user.tenant.plan.name} plan` : by
      used.textContent = number(standing.used)
      of.textContent = ` of ${number(standing.limit)}`
      badge.hidden = !blocked
      note.textContent = noteOf(standing, { unit, shadow, blocked, name })
      element.classList.toggle('in-debt', standing.used > standing.limit)
      draw(standing, reserved)
      bar.setAttribute('aria-valuemax', standing.limit)
      bar.setAttribute('aria-valuenow', Math.min(standing.used, standing.limit))
      bar.setAttribute(
        'aria-valuetext',
        `${count(standing.used, unit)} of ${number(standing.limit)}`,
      )
    },
  }
}

function noteOf({ limit, used, remaining, reset }, { unit, shadow, blocked, name }) {
  if (blocked) return 'Shut out: nothing passes until it is over'
  if (used > limit)
    return `${count(used - limit, unit)} of debt: more comes back in ${duration(reset)}`
  if (remaining === 0 && shadow) return 'In force, it would refuse the next one'
  if (name === 'streams')
    return remaining === 0 ? 'Free again when an answer is over' : `${number(remaining)} free`
  return used === 0 ? 'All there' : `${number(remaining)} left, more in ${duration(reset)}`
}

/** Draws few units apart, many as one bar. */
function drawer(bar) {
  return ({ limit, used }, reserved) => {
    const pieces = limit <= mostPieces ? limit : 1
    if (bar.childElementCount !== pieces)
      bar.replaceChildren(
        ...Array.from({ length: pieces }, () =>
          h(
            'span',
            { class: 'piece' },
            h('span', { class: 'used' }),
            h('span', { class: 'reserved' }),
          ),
        ),
      )
    const held = Math.min(reserved, used)
    const unit = limit / pieces
    for (const [at, piece] of [...bar.children].entries()) {
      const [settledBar, reservedBar] = piece.children
      const share = (amount) => Math.min(1, Math.max(0, (amount - at * unit) / unit))
      settledBar.style.width = `${100 * share(used - held)}%`
      reservedBar.style.width = `${100 * (share(used) - share(used - held))}%`
    }
    const debt = Math.max(0, used - limit)
    bar.style.setProperty('--debt', `${limit === 0 ? 0 : Math.min(100, (100 * debt) / limit)}%`)
  }
}
