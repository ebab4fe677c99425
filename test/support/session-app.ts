import { setTimeout as sleep } from 'node:timers/promises'
import { createStore, type TypedHash } from '../../lib/index.ts'
import { type Exchange, frameworks } from './apps.ts'

/** The work of an agent in a conversation, as one value of its state. */
type Work = TypedHash<{ list: string[]; count: number }>

// One of several processes of a test that work on the same conversations, each of a user by X-User.
// Arguments are framework and the URL of Redis.
const [name, url] = process.argv.slice(2)
const framework = frameworks.find((each) => each.name === name)
if (!framework || !url) throw new Error('Usage: session-app FRAMEWORK URL')

const store = createStore({ url, deadline: '1s' })
const app = await framework.serve({ memory: { store } }, async (exchange) => {
  const { memory, query, send } = exchange
  if (query.has('write')) await write(exchange, query.get('write') ?? '')
  if (query.has('turn')) return turn(exchange)
  if (query.has('delete')) return send(200, JSON.stringify(await memory.delete()))
  const { items } = await memory.history({ limit: 1000 })
  send(
    200,
    JSON.stringify({
      said: items.map(({ content }) => content),
      state: await memory.state.all(),
      preferences: await memory.preferences.all(),
      sessions: (await memory.sessions.list()).items.map(({ id }) => id),
    }),
  )
})
process.send?.(app.url)

/** Reads, takes its time, and writes: what a handler does that overwrites what others wrote. */
async function write({ memory }: Exchange, said: string): Promise<void> {
  const [state, preferences] = [memory.state, memory.preferences] as [Work, Work]
  await Promise.all([memory.history(), state.all(), preferences.all()])
  await sleep(20)
  await memory.append({ id: said, role: 'user', content: said })
  for (const hash of [state, preferences]) {
    await hash.update('list', (list = []) => [...list, said])
    await hash.increment('count')
    await (hash as TypedHash).set({ [said]: true })
  }
}

/** Answers until it is told to stop; or, where it is asked `at=once`, at once half a second later. */
async function turn({ memory, query, target, send }: Exchange): Promise<void> {
  const begun = await memory.turn({ role: 'user', content: 'Say something' })
  if (query.get('at') !== 'once') {
    await begun.pipe(words(), target, { as: 'text' })
    return
  }
  await sleep(500)
  const [ended] = await Promise.allSettled([
    begun.commit({ role: 'assistant', content: 'Something' }),
  ])
  send(200, JSON.stringify(ended.status))
}

async function* words(): AsyncGenerator<string> {
  for (let n = 0; n < 100; n += 1) {
    yield `word-${n} `
    await sleep(10)
  }
}
