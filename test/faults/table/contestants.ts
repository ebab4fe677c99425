import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { PeerName } from '../../support/fault-peers.ts'
import { startFaultApp, startPeer } from '../../support/fault-processes.ts'
import { type Counts, countTogether, type Strike } from '../../support/fault-run.ts'
import { tell } from '../../support/fault-table.ts'

const ours = ['express', 'koa'] as const

/** What became of the requests to each. */
type Outcomes<Peer extends PeerName> = Readonly<Record<(typeof ours)[number] | Peer, Counts>>

/** Ours on both frameworks and some peers, each in a process of its own, over one server. */
export interface Contestants<Peer extends PeerName> {
  readonly apps: readonly { readonly name: string; readonly url: string }[]
  /**
   * One strike hits all of them; each has its line in the table, with what `lostBeside` finds to be
   * lost beside what the load has said.
   */
  under(
    fault: string,
    strike: Strike,
    lostBeside?: (url: string) => Promise<number>,
  ): Promise<Outcomes<Peer>>
  stop(): Promise<void>
}

/** Starts them. */
export async function contestants<Peer extends PeerName>(
  url: string,
  peers: readonly Peer[],
): Promise<Contestants<Peer>> {
  const forked = await Promise.all([
    ...ours.map((framework) => startFaultApp({ framework, store: { url } })),
    ...peers.map((peer) => startPeer({ peer, url })),
  ])
  const names = [...ours, ...peers]
  const apps = forked.map((app, at) => ({ name: names[at] ?? '', url: app.url }))
  return {
    apps,
    async under(fault, strike, lostBeside = async () => 0) {
      // Service is to be back within two seconds: a little longer is seen.
      const counted = await countTogether(apps, { watchMs: 2500, ...strike })
      const named = await Promise.all(
        apps.map(async ({ name, url }, at) => {
          const counts = counted[at]
          assert.ok(counts)
          return [name, { ...counts, lost: counts.lost + (await lostBeside(url)) }] as const
        }),
      )
      for (const [name, counts] of named) tell(fault, name, counts)
      return Object.fromEntries(named) as Outcomes<Peer>
    },
    async stop() {
      await Promise.all(forked.map((app) => app.stop()))
    },
  }
}

/** What a peer does in a row where ours holds: at least one of its requests ends so. */
export function breaks(counts: Counts, ...how: readonly (keyof Counts)[]): void {
  const told = inspect(counts)
  for (const each of how) assert.ok(counts[each] > 0, `The peer holds, ${each} is 0: ${told}`)
}
