import type { FaultAppOptions } from './fault-app.ts'
import type { PeerOptions } from './fault-peers.ts'
import { type ForkedApp, forkApp } from './forked-app.ts'

/** Starts an app of ours for the fault table in a process of its own. */
export function startFaultApp(options: FaultAppOptions): Promise<ForkedApp> {
  return forkApp(new URL('fault-app.ts', import.meta.url), [JSON.stringify(options)])
}

/** Starts what others use in a process of its own. */
export function startPeer(options: PeerOptions): Promise<ForkedApp> {
  return forkApp(new URL('fault-peers.ts', import.meta.url), [JSON.stringify(options)])
}
