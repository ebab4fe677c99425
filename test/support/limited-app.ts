import { createStore } from '../../lib/index.ts'
import { frameworks } from './apps.ts'

// One of several processes of a test: arguments are framework, algorithm and the URL of Redis.
const [name, algorithm, url] = process.argv.slice(2)
const framework = frameworks.find((each) => each.name === name)
if (!framework || !url) throw new Error('Usage: limited-app FRAMEWORK ALGORITHM URL')

// A thousand requests at once keep a process busy for longer than the usual deadline.
const store = createStore({ url, deadline: '1s' })
const limits = [
  {
    limit: 100,
    window: '1m',
    algorithm: algorithm === 'fixed' ? 'fixed' : 'sliding',
    key: 'global',
  },
] as const
const app = await framework.serve({ limit: { store, limits } }, ({ send }) => send(200, 'ok'))
process.send?.(app.url)
