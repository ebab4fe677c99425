import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createStore } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'

// A process of its own: counts 150,000 callers, one of them again and again, and tells what it took.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function taken(): number {
  for (let n = 0; n < 3; n += 1) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const store = createStore({ provider: 'embedded' })
const { check } = rateLimit({
  store,
  limits: [{ name: 'many', limit: 3, window: '1h', key: 'user' }],
})
for (let n = 0; n < 10; n += 1) await check(`warm-${n}`)
const before = taken()
let refused = 0
for (let n = 0; n < 150_000; n += 1) {
  await check(`caller-${n}`)
  if (n % 100 === 0 && !(await check('active')).allowed) refused += 1
}
const bytes = taken() - before
const keys = (await store.keys('limit:*')).length
process.send?.(JSON.stringify({ bytes, refused, keys }))
// Kept alive until it is ended.
setInterval(() => store.degraded, 60_000)
