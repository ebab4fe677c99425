import { byId } from '../../rag-chat/public/dom.js'
import { readAbout, readBudgets, reset } from './api.js'
import { budgetsView } from './budgets-view.js'
import { peopleView } from './people-view.js'
import { Requests, wordsOf } from './requests-view.js'
import { duration, number, titles } from './rules.js'

const lookMs = 400
const many = 10
const budgets = budgetsView()
const requests = new Requests(() => {
  byId('stop').setAttribute('aria-disabled', String(!requests.busy))
  if (user) void look()
})
let user
let standing
let looking
let again = false

async function send(more = {}, times = 1) {
  const field = byId('question')
  if (!field.reportValidity()) return
  const asked = { question: field.value, ...more }
  const asking = Array.from({ length: times }, () => requests.ask(user, asked))
  say(times === 1 ? 'Asked' : `Asked ${times} times`)
  say(wordsOf(await Promise.all(asking)))
}

async function resetAll() {
  try {
    await reset(user.id)
    say(`Budgets of ${user.name} and ${user.tenant.name} are reset`)
  } catch (error) {
    warn(error.message)
  }
  await look()
}

/** Reads the budgets again and again, while somebody looks. */
async function watch() {
  if (!document.hidden) await look()
  setTimeout(watch, lookMs)
}

/** One look at a time; what happens meanwhile is seen by one more. */
function look() {
  if (looking) {
    again = true
    return looking
  }
  looking = lookOnce().finally(() => {
    looking = undefined
    if (again) void look()
  })
  again = false
  return looking
}

async function lookOnce() {
  const whose = user
  try {
    const found = await readBudgets(whose.id)
    if (whose !== user) return
    standing = found
    warn(found.blocked.length > 0 ? blockWords(found) : '')
    show()
  } catch (error) {
    warn(error.message)
  }
}

function blockWords({ blocked, retryAfter }) {
  return `Blocked by ${titles(blocked)} for ${duration(retryAfter)}: too many refusals.`
}

function show() {
  if (standing === undefined) return
  budgets.show(standing, user)
  const { allowed, refused, shadowed } = standing.counts
  byId('counts').textContent =
    `This process: ${number(allowed)} passed, ${number(refused)} refused, ${number(shadowed)} above pace`
}

function say(words) {
  byId('status').textContent = words
}

/** The countdown changes in place: a new alert each second would be read each second. */
function warn(message) {
  const alert = byId('alert')
  if (message === '' || alert.hidden) alert.setAttribute('role', 'alert')
  else alert.removeAttribute('role')
  alert.hidden = message === ''
  if (alert.textContent !== message) alert.textContent = message
}

function pick(picked) {
  user = picked
  standing = undefined
  void look()
}

byId('ask').addEventListener('submit', (event) => {
  event.preventDefault()
  void send()
})
byId('ask-ten').addEventListener('click', () => void send({}, many))
byId('ask-long').addEventListener('click', () => void send({ long: true }))
byId('ask-broken').addEventListener('click', () => void send({ broken: true }))
byId('stop').addEventListener('click', () => requests.stop())
byId('reset').addEventListener('click', resetAll)
addEventListener('keydown', ({ key }) => key === 'Escape' && requests.stop())

const { tenants, store, instance } = await readAbout()
const words = store === 'embedded' ? 'kept in this process' : 'shared through the store'
byId('store').textContent = `${store}, ${words} · process ${instance}`
user = peopleView(tenants, pick)
byId('people').hidden = false
await watch()
