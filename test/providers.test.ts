import { after, before } from 'mocha'
import type { Provider } from '../lib/ports/provider.ts'
import { embeddedProvider } from '../lib/providers/embedded/provider.ts'
import { guarded } from '../lib/providers/guarded.ts'
import { namespaced } from '../lib/providers/namespaced.ts'
import { redisProvider } from '../lib/providers/redis/provider.ts'
import { providerContract } from './contract/provider.ts'
import type { ProviderFactory } from './contract/subject.ts'
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

for (const [name, open] of Object.entries(providers)) {
  const factory: ProviderFactory = {
    name,
    async create() {
      const provider = open()
      return { provider, close: () => provider.close() }
    },
  }
  providerContract(factory)
}
