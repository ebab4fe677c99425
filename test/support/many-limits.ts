import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createStore } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'

// A process of its own: counts so many callers, one of them again and again, and tells what it took.
const [callers = 0, maxEntries, maxBytes] = process.argv.slice(2).map(Number)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function taken(): number {
  for (let n = 0; n < 3; n += 1) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const store = createStore({ provider: 'embedded', maxEntries, maxBytes })
const { check } = rateLimit({
  store,
  limits: [{ name: 'many', limit: 3, window: '1h', key: 'user' }],
})
for (let n = 0; n < 10; n += 1) await check(`warm-${n}`)
const before = taken()
let refused = 0
for (let n = 0; n < callers; n += 1) {
  await check(`caller-${n}`)
  if (n % 100 === 0 && !(await check('active')).allowed) refused += 1
}
const bytes = taken() - before
const keys = (await store.keys('limit:*')).length
process.send?.(JSON.stringify({ bytes, refused, keys }))
// Kept alive until it is ended.
setInterval(() => store.degraded, 60_000)
