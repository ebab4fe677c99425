import type { Rule } from '../../lib/limit/rule.ts'
import type { Native } from './apps.ts'

/** What an app of its own process is told, as JSON. */
export interface LimitsAppOptions {
  readonly framework: string
  readonly url: string
  readonly limits: readonly Rule<Native>[]
  /** By how much its clocks are wrong, in milliseconds. @default 0 */
  readonly clockMs?: number
}

// One of several processes of a test, which limits what its model costs.
const {
  framework: name,
  url,
  limits,
  clockMs = 0,
} = JSON.parse(process.argv[2] ?? '{}') as LimitsAppOptions
if (clockMs !== 0) {
  const [now, timeOrigin] = [Date.now, performance.timeOrigin]
  Date.now = () => now() + clockMs
  Object.defineProperty(performance, 'timeOrigin', { value: timeOrigin + clockMs })
}

// Only now, so that nothing has read the clock before.
const [{ createStore }, { frameworks }, { serveModel }] = await Promise.all([
  import('../../lib/index.ts'),
  import('./apps.ts'),
  import('./model-app.ts'),
])
const framework = frameworks.find((each) => each.name === name)
if (!framework) throw new Error(`There is no framework ${name}`)
const store = createStore({ url, deadline: '1s' })
// Connected before the first request: none shall be counted elsewhere.
await store.keys('limit:*')
const app = await serveModel(framework, store, { limits, onStoreError: 'error' })
process.send?.(app.url)
