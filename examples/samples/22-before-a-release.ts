import type { Store } from 'memoryware'
import { diagnose } from 'memoryware/doctor'

/** What may lose conversations without a word, though all works. */
const guarded = ['eviction', 'persistence']

/** What keeps a release back: sentences for who has to correct it. */
export async function obstacles(store: Store, app: unknown): Promise<string[]> {
  const { findings } = await diagnose(store, { app })
  return findings
    .filter(
      ({ name, status }) =>
        status === 'failure' || (status === 'warning' && guarded.includes(name)),
    )
    .map(({ name, found, fix }) => `${name}: ${found} ${fix}`)
}
