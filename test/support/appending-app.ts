import { createStore } from '../../lib/index.ts'
import { frameworks } from './apps.ts'

// One of several processes of a test: arguments are framework, the URL of Redis, and `maxStored`.
const [name, url, maxStored] = process.argv.slice(2)
const framework = frameworks.find((each) => each.name === name)
if (!framework || !url) throw new Error('Usage: appending-app FRAMEWORK URL MAX_STORED')

const store = createStore({ url, deadline: '1s' })
const memory = { store, maxStored: Number(maxStored) }
const app = await framework.serve({ memory }, async ({ memory: session, query, send }) => {
  const id = query.get('id') ?? ''
  const { seq, degraded } = await session.append({ id, role: 'user', content: `says ${id}` })
  send(200, { seq, degraded })
})
process.send?.(app.url)
