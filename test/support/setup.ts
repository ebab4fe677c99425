import { redisBinary } from './redis-binary.ts'
import { endShared } from './shared.ts'

/** Before the first test: without a Redis server every test would fail late and for another reason. */
export async function mochaGlobalSetup(): Promise<void> {
  await redisBinary()
}

/** After the last test. */
export async function mochaGlobalTeardown(): Promise<void> {
  await endShared()
}

// A signal ends Node without its exit event, and with that without the end of the test's servers.
process.once('SIGTERM', () => process.exit(143))
process.once('SIGHUP', () => process.exit(129))
