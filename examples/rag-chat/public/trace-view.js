import { byId, h, icon } from './dom.js'
import { cacheWords, duration, limitWords, memoryWords, milliseconds } from './words.js'

const badges = {
  hit: ['Hit', 'good'],
  collapsed: ['Collapsed', 'good'],
  miss: ['Miss', 'wait'],
  bypass: ['Bypass', 'bad'],
}

/** What the middlewares did, turn by turn, newest first. */
export function traceView() {
  const list = byId('trace-list')
  const empty = byId('no-trace')
  const budget = budgetView()

  function add(card) {
    empty.hidden = true
    byId(card.id)?.remove()
    list.prepend(card)
  }

  return {
    clear() {
      list.replaceChildren()
      empty.hidden = false
    },
    /** `fresh` is false for a turn of an earlier visit: its limit has moved on. */
    add(turnId, question, trace, { fresh }) {
      if (fresh) budget.show(trace.limit)
      add(card(turnId, question, trace))
    },
    refused(turnId, question, waitSeconds) {
      budget.spent(waitSeconds)
      add(refusal(turnId, question, waitSeconds))
    },
    remove(turnId) {
      byId(`trace-${turnId}`)?.remove()
      empty.hidden = list.children.length > 0
    },
    limit: budget.begin,
    focus(turnId) {
      const found = byId(`trace-${turnId}`)
      for (const each of list.children) each.classList.toggle('lit', each === found)
      found?.scrollIntoView({ block: 'nearest' })
      found?.focus({ preventScroll: true })
    },
  }
}

function card(turnId, question, { memory, cache, limit, ms }) {
  const [word, tone] = badges[cache?.status] ?? [cache?.status ?? 'No answer yet', '']
  const understood =
    memory.turnsUsed > 0 ? [' Understood as ', h('q', null, memory.standalone), '.'] : []
  const same = h(
    'a',
    {
      class: 'again',
      href: `/answer?q=${encodeURIComponent(memory.standalone)}`,
      target: '_blank',
      rel: 'noopener',
    },
    'The same over GET /answer',
    icon('arrow'),
  )
  return shell(turnId, question, ms ? milliseconds(ms.total) : '', [
    step('sessionMemory()', memory.degraded ? badge('Local', 'bad') : '', [
      memoryWords(memory),
      ...understood,
    ]),
    step('cached()', badge(word, tone), [cacheWords(cache), ' ', same]),
    step('rateLimit()', limit.degraded ? badge('Local', 'bad') : '', [limitWords(limit)]),
  ])
}

function refusal(turnId, question, waitSeconds) {
  return shell(turnId, question, '', [
    step('rateLimit()', badge('429', 'bad'), [
      `Refused before anything was read or searched. The next question is free in ${duration(waitSeconds)}.`,
    ]),
  ])
}

function shell(turnId, question, time, steps) {
  return h(
    'li',
    { class: 'trace-card', id: `trace-${turnId}`, tabindex: '-1' },
    h(
      'h3',
      { class: 'trace-question' },
      h('span', null, question),
      h('small', { class: 'trace-ms' }, time),
    ),
    h('dl', { class: 'steps' }, steps),
  )
}

function step(name, mark, words) {
  return h('div', { class: 'step' }, h('dt', null, name, mark), h('dd', null, words))
}

function badge(word, tone) {
  return h('span', { class: `badge ${tone}` }, word)
}

/** The limit as it is now: it comes back while one looks. */
function budgetView() {
  const box = byId('budget')
  let timer

  function draw(limit, remaining, note) {
    const low = remaining <= limit * 0.2
    box.replaceChildren(
      h(
        'p',
        { class: 'budget-line' },
        h('span', null, h('strong', null, String(remaining)), ` of ${limit} left`),
        h('span', null, note),
      ),
      h('progress', {
        class: low ? 'bar low' : 'bar',
        max: Math.max(limit, 1),
        value: remaining,
        'aria-label': 'Questions left',
      }),
    )
  }

  function countDown(limit, remaining, seconds) {
    clearInterval(timer)
    const until = Date.now() + seconds * 1000
    const tick = () => {
      const left = (until - Date.now()) / 1000
      if (left <= 0) clearInterval(timer)
      draw(limit, remaining, left > 0 ? `more in ${duration(left)}` : 'more is free now')
    }
    timer = setInterval(tick, 1000)
    tick()
  }

  let known = 0
  return {
    begin(limit) {
      known = limit
      draw(limit, limit, 'this minute')
    },
    show({ limit, remaining, reset }) {
      known = limit
      countDown(limit, remaining, reset)
    },
    spent: (seconds) => countDown(known, 0, seconds),
  }
}
