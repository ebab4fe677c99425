import { faultTable } from './fault-table.ts'
import { redisBinary } from './redis-binary.ts'
import { endShared } from './shared.ts'

/** Before the first test: without a Redis server every test would fail late and for another reason. */
export async function mochaGlobalSetup(): Promise<void> {
  await redisBinary()
}

/** After the last test. */
export async function mochaGlobalTeardown(): Promise<void> {
  await endShared()
  const table = faultTable()
  // Not by the reporter: it is to be seen with any.
  if (table !== '') process.stdout.write(`\n${table}\n\n`)
}

// A signal ends Node without its exit event, and with that without the end of the test's servers.
process.once('SIGTERM', () => process.exit(143))
process.once('SIGHUP', () => process.exit(129))
