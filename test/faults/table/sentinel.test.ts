import { startFaultApp } from '../../support/fault-processes.ts'
import { forkApp } from '../../support/forked-app.ts'
import type { ListPeerOptions } from '../../support/list-peer.ts'
import { startRedisSentinel } from '../../support/redis-sentinel.ts'
import { type FaultPlace, rowsOfGoing } from '../../support/server-faults.ts'

const listPeer = new URL('../../support/list-peer.ts', import.meta.url)

rowsOfGoing('the master behind Sentinels', placed, ({ hung, lost }) => hung > 0 && lost > 0)

async function placed(): Promise<FaultPlace> {
  const [password, sentinelPassword] = ['pw', 'spw']
  const sentinel = await startRedisSentinel({ password, sentinelPassword })
  const sentinels = { nodes: sentinel.sentinels, name: sentinel.name }
  const store = { sentinels: { ...sentinels, password: sentinelPassword }, password }
  const peer: ListPeerOptions = { sentinels, password, sentinelPassword }
  const apps = await Promise.all([
    startFaultApp({ framework: 'express', store }),
    startFaultApp({ framework: 'koa', store }),
    forkApp(listPeer, [JSON.stringify(peer)]),
  ])
  return {
    apps,
    async victim() {
      await sentinel.settled()
      return sentinel.master()
    },
    stop: sentinel.stop,
  }
}
