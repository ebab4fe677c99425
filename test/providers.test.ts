import { after, before, describe, it } from 'mocha'
import { storeContract } from '../contract/store-contract.ts'
import type { Provider } from '../lib/ports/provider.ts'
import { embeddedProvider } from '../lib/providers/embedded/provider.ts'
import { guarded } from '../lib/providers/guarded.ts'
import { namespaced } from '../lib/providers/namespaced.ts'
import { redisProvider } from '../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from './support/redis.ts'

let server: TestServer
before(async () => {
  server = await startRedis()
})
after(() => server.stop())

const redis = () => redisProvider({ url: server.url })
const providers: Readonly<Record<string, () => Provider>> = {
  embedded: () => embeddedProvider(),
  redis,
  'redis behind namespaced': () => namespaced(redis(), 'app*[1]:'),
  'redis behind guarded': () => guarded(redis(), { deadlineMs: 1000 }),
}

for (const [name, create] of Object.entries(providers))
  storeContract({ name, create, describe, it })
