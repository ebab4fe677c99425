import type { TestServer } from './redis.ts'

/** Something that is started. */
type Started = Pick<TestServer, 'stop'>

const running: (() => Promise<void>)[] = []

/** Starts something at its first use, for all tests of this run; `endShared()` ends it. */
export function shared<T extends Started>(start: () => Promise<T>): () => Promise<T> {
  let starting: Promise<T> | undefined
  return () => {
    if (starting === undefined) {
      const begun = start()
      starting = begun
      running.push(async () => (await begun).stop())
    }
    return starting
  }
}

/** Ends what tests have shared. */
export async function endShared(): Promise<void> {
  await Promise.all(running.splice(0).map((end) => end()))
}
