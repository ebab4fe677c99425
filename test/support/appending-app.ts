import { createStore } from '../../lib/index.ts'
import { frameworks } from './apps.ts'

// One of several processes of a test: arguments are framework, the URL of Redis, and `maxStored`.
// Answers with what each of its appends, all at once, was told.
const [name, url, maxStored] = process.argv.slice(2)
const framework = frameworks.find((each) => each.name === name)
if (!framework || !url) throw new Error('Usage: appending-app FRAMEWORK URL MAX_STORED')

const store = createStore({ url, deadline: '1s' })
const memory = { store, maxStored: Number(maxStored), onStoreError: 'error' } as const
const app = await framework.serve({ memory }, async ({ memory: session, query, send }) => {
  const [from, count] = ['from', 'count'].map((each) => Number(query.get(each)))
  const ids = Array.from({ length: count ?? 0 }, (_, at) => `m${at + (from ?? 0)}`)
  const appended = ids.map(async (id) => {
    const { seq } = await session.append({ id, role: 'user', content: `says ${id}` })
    return [id, seq]
  })
  send(200, await Promise.all(appended))
})
process.send?.(app.url)
