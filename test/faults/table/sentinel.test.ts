import assert from 'node:assert/strict'
import { before, describe, it } from 'mocha'
import { startFaultApp } from '../../support/fault-processes.ts'
import { forkApp } from '../../support/forked-app.ts'
import type { ListPeerOptions } from '../../support/list-peer.ts'
import { startRedisSentinel } from '../../support/redis-sentinel.ts'
import {
  checkRuns,
  type FaultPlace,
  killed,
  type Runs,
  stopped,
  strikeOften,
} from '../../support/server-faults.ts'

const runs = 5
const what = 'the master behind Sentinels'
const listPeer = new URL('../../support/list-peer.ts', import.meta.url)

describe(`${what} that goes, five times`, function () {
  this.timeout(180_000)
  let counted: { readonly killed: Runs; readonly stopped: Runs }

  // Side by side: most of the time they wait for the Sentinels.
  before(async () => {
    const [kills, stops] = await Promise.all([
      strikeOften(killed, await placed(), runs),
      strikeOften(stopped, await placed(), runs),
    ])
    counted = { killed: kills, stopped: stops }
  })

  it('is replaced within 6 s where it is killed, and nothing is lost or doubled', () => {
    const peers = checkRuns(killed, what, counted.killed)
    assert.equal(peers.length, runs)
    for (const { hung, failed } of peers) assert.ok(hung + failed > 0, 'so is it with ioredis')
  })

  it('is replaced within 6 s where it hangs, and nothing is lost or doubled', () => {
    const peers = checkRuns(stopped, what, counted.stopped)
    assert.equal(peers.length, runs)
    for (const { hung, lost } of peers) assert.ok(hung > 0 && lost > 0, 'so is it with ioredis')
  })
})

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
