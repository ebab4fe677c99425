import { askCached, purgeCached } from './cache-request.js'
import { handlerWords, reasonWords, tallyWords, tookWords } from './cache-words.js'
import { byId, h } from './dom.js'

const badges = {
  hit: ['Hit', 'good'],
  stale: ['Stale', 'wait'],
  miss: ['Miss', 'wait'],
  collapsed: ['Collapsed', 'good'],
  bypass: ['Bypass', 'bad'],
}
const order = ['miss', 'collapsed', 'hit', 'stale', 'bypass']
const atOnce = 20

/** Where a visitor asks `GET /cached`, and sees what the cache did with each request. */
export function cachePanel() {
  const dialog = byId('cache-panel')
  const question = byId('cached-question')
  const list = byId('cache-list')
  const acts = {
    ask: () => ask('Asked'),
    many: askMany,
    'no-store': () => ask('Asked with Cache-Control: no-store', { 'cache-control': 'no-store' }),
    signed: () => ask('Asked with Authorization', { authorization: 'Bearer somebody' }),
    purge,
  }

  async function ask(label, headers) {
    const answer = await askCached(question.value, headers)
    list.prepend(card(label, answer.status, [answer]))
    say(`${badges[answer.status][0]}. ${reasonWords(answer)}`)
  }

  /** Purged before, so that nobody has the answer when they ask. */
  async function askMany() {
    await purge()
    const asked = Array.from({ length: atOnce }, () => askCached(question.value))
    const answers = await Promise.all(asked)
    const groups = order
      .map((status) => ({ status, answers: answers.filter((each) => each.status === status) }))
      .filter(({ answers }) => answers.length > 0)
    for (const { status, answers } of groups)
      list.prepend(card(`${atOnce} asked at once`, status, answers))
    say(`${atOnce} asked at once: ${tallyWords(groups)}. A browser sends six at a time.`)
  }

  async function purge() {
    await purgeCached()
    list.prepend(line('Purged by tag', 'All answers of this endpoint are gone, in all processes.'))
    say('Purged: the next request misses.')
  }

  async function act(name) {
    say('Asking')
    try {
      await acts[name]()
    } catch (failure) {
      list.prepend(line('No answer', failure.message))
      say(failure.message)
    }
  }

  for (const button of document.querySelectorAll('[data-open-cache]'))
    button.addEventListener('click', () => dialog.showModal())
  for (const button of dialog.querySelectorAll('[data-cache]'))
    button.addEventListener('click', () => void act(button.dataset.cache))
  byId('cache-form').addEventListener('submit', (event) => {
    event.preventDefault()
    void act('ask')
  })

  return {
    introduce({ lifeSeconds, staleSeconds, handlerMs }, example) {
      question.value = example
      byId('cache-lead').textContent =
        `An answer is fresh for ${lifeSeconds} s, then given stale for ${staleSeconds} s more while a new one is made behind it. The handler takes ${handlerMs / 1000} s, as a model would.`
    },
  }
}

function say(words) {
  byId('cache-said').textContent = words
}

/** What requests of one status got; of several, the first stands for all. */
function card(label, status, answers) {
  const [first] = answers
  const [word, tone] = badges[status]
  const facts = {
    'Cache-Status': h('code', null, first.line),
    Age: first.age === undefined ? 'not sent' : `${first.age} s`,
    Took: tookWords(answers),
    Handler: handlerWords(first),
  }
  const many = answers.length > 1 ? h('span', { class: 'cache-times' }, `× ${answers.length}`) : ''
  return h(
    'li',
    { class: 'cache-card', 'data-status': status },
    h('h3', null, h('span', { class: `badge ${tone}` }, word), many, h('small', null, label)),
    h('p', null, reasonWords(first)),
    h(
      'dl',
      null,
      Object.entries(facts).map(([name, value]) =>
        h('div', null, h('dt', null, name), h('dd', null, value)),
      ),
    ),
  )
}

function line(label, words) {
  return h('li', { class: 'cache-line' }, h('strong', null, label), ' ', words)
}
