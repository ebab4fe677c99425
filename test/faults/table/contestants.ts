import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { PeerName } from '../../support/fault-peers.ts'
import { startFaultApp, startPeer } from '../../support/fault-processes.ts'
import { type Counts, countTogether, type Strike } from '../../support/fault-run.ts'
import { tell } from '../../support/fault-table.ts'
import type { ForkedApp } from '../../support/forked-app.ts'

const ours = ['express', 'koa'] as const

/** What became of the requests to each. */
export type Outcomes<Peer extends PeerName> = Readonly<Record<(typeof ours)[number] | Peer, Counts>>

/** Ours on both frameworks and some peers, each in a process of its own, over one server. */
export interface Contestants<Peer extends PeerName> {
  /** One strike hits all of them; each has its line in the table. */
  under(fault: string, strike: Strike): Promise<Outcomes<Peer>>
  stop(): Promise<void>
}

/** Starts them. */
export async function contestants<Peer extends PeerName>(
  url: string,
  peers: readonly Peer[],
): Promise<Contestants<Peer>> {
  const names = [...ours, ...peers]
  const apps: readonly ForkedApp[] = await Promise.all([
    ...ours.map((framework) => startFaultApp({ framework, store: { url } })),
    ...peers.map((peer) => startPeer({ peer, url })),
  ])
  return {
    async under(fault, strike) {
      // Service is to be back within two seconds: a little longer is seen.
      const counted = await countTogether(apps, { watchMs: 2500, ...strike })
      const named = counted.map((counts, at) => [names[at] ?? '', counts] as const)
      for (const [name, counts] of named) tell(fault, name, counts)
      return Object.fromEntries(named) as Outcomes<Peer>
    },
    async stop() {
      await Promise.all(apps.map((app) => app.stop()))
    },
  }
}

/** What a peer does in a row where ours holds: at least one of its requests ends so. */
export function breaks(counts: Counts, ...how: readonly (keyof Counts)[]): void {
  const told = inspect(counts)
  for (const each of how) assert.ok(counts[each] > 0, `The peer holds, ${each} is 0: ${told}`)
}
