import { redisBinary } from './redis-binary.ts'

/** Before the first test: without a Redis server every test would fail late and for another reason. */
export async function mochaGlobalSetup(): Promise<void> {
  await redisBinary()
}

// A signal ends Node without its exit event, and with that without the end of the test's servers.
process.once('SIGTERM', () => process.exit(143))
process.once('SIGHUP', () => process.exit(129))
