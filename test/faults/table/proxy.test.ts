import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'mocha'
import type { PeerName } from '../../support/fault-peers.ts'
import { startFaultApp, startPeer } from '../../support/fault-processes.ts'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { countTogether } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import type { ForkedApp } from '../../support/forked-app.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'

/** A fault of the line between an app and Redis. */
interface Row {
  readonly fault: string
  strike(proxy: FaultProxy): void
  /** Done again and again while it lasts. */
  again?(proxy: FaultProxy): void
  /** Who fails in it, and what of theirs is above 0. */
  readonly peer: PeerName
  readonly fails: 'hung' | 'failed' | 'doubled'
  /** Whether replies were to be harmed. */
  readonly harms?: true
}

const rows: readonly Row[] = [
  {
    fault: 'line frozen',
    strike: (proxy) => proxy.set({ stall: true }),
    ...{ peer: 'rate-limiter-flexible', fails: 'hung' },
  },
  {
    fault: 'connections refused',
    strike(proxy) {
      proxy.set({ refuse: true })
      proxy.reset()
    },
    ...{ peer: 'express-rate-limit', fails: 'hung' },
  },
  {
    fault: 'connections accepted, then silence',
    strike(proxy) {
      proxy.set({ silence: true })
      proxy.reset()
    },
    ...{ peer: 'express-session', fails: 'hung' },
  },
  {
    fault: 'connections reset (RST)',
    strike: (proxy) => proxy.reset(),
    again: (proxy) => proxy.reset(),
    ...{ peer: 'langchain-history', fails: 'failed' },
  },
  {
    fault: 'connections ended (FIN)',
    strike: (proxy) => proxy.finish(),
    again: (proxy) => proxy.finish(),
    ...{ peer: 'langchain-history', fails: 'failed' },
  },
  {
    fault: 'peer gone without a word (half-open)',
    strike: (proxy) => proxy.lose(),
    ...{ peer: 'list-history', fails: 'hung' },
  },
  {
    fault: 'replies later than the deadline',
    strike: (proxy) => proxy.set({ delayMs: 600 }),
    ...{ peer: 'express-session', fails: 'hung' },
  },
  {
    fault: 'replies at random times',
    strike: (proxy) => proxy.set({ jitterMs: 900 }),
    ...{ peer: 'express-session', fails: 'hung' },
  },
  {
    fault: 'replies byte by byte',
    strike: (proxy) => proxy.set({ trickleMs: 20 }),
    ...{ peer: 'apicache', fails: 'hung' },
  },
  {
    fault: 'replies cut in the middle',
    strike: (proxy) => proxy.set({ harm: { to: 'truncate', chance: 0.1 } }),
    ...{ peer: 'list-history', fails: 'doubled', harms: true },
  },
  {
    fault: 'replies that are no RESP',
    strike: (proxy) => proxy.set({ harm: { to: 'garbage', chance: 0.1 } }),
    ...{ peer: 'list-history', fails: 'failed', harms: true },
  },
]

describe('a line to Redis that fails', function () {
  this.timeout(60_000)
  let server: TestServer
  let proxy: FaultProxy
  const ours: ForkedApp[] = []
  const theirs: ForkedApp[] = []

  before(async () => {
    server = await startRedis()
    proxy = await startFaultProxy(server)
    const store = { url: proxy.url }
    for (const framework of ['express', 'koa'] as const)
      ours.push(await startFaultApp({ framework, store }))
  })
  afterEach(async () => {
    proxy.clear()
    await Promise.all(theirs.splice(0).map((app) => app.stop('SIGKILL')))
  })
  after(async () => {
    await Promise.all(ours.map((app) => app.stop('SIGKILL')))
    await proxy.close()
    await server.stop()
  })

  for (const { fault, strike, again, peer, fails, harms } of rows) {
    it(`is survived: ${fault}`, async () => {
      const other = await startPeer({ peer, url: proxy.url })
      theirs.push(other)
      const harmed = proxy.harmed
      let timer: NodeJS.Timeout | undefined
      const [express, koa, failing] = await countTogether([...ours, other], {
        strike() {
          strike(proxy)
          if (again) timer = setInterval(() => again(proxy), 150)
        },
        clear() {
          clearInterval(timer)
          proxy.clear()
        },
        forMs: 3000,
      })
      assert.ok(express && koa && failing)
      tell(fault, 'express', express)
      tell(fault, 'koa', koa)
      tell(fault, peer, failing)
      if (harms) assert.ok(proxy.harmed > harmed + 2, `${proxy.harmed - harmed} harmed`)
      for (const counts of [express, koa]) {
        holds(counts)
        assert.equal(counts.reordered, 0)
      }
      assert.ok(failing[fails] > 0, `${peer} does not fail: ${JSON.stringify(failing)}`)
    })
  }

  it('is survived: an attempt to connect that hangs, once the line is back', async () => {
    const [express, koa] = await countTogether(ours, {
      strike() {
        proxy.set({ refuse: true })
        proxy.reset()
      },
      // What is accepted meanwhile is not answered later either.
      clear() {
        proxy.set({ silence: true })
        setTimeout(() => proxy.clear(), 500)
      },
      forMs: 3000,
    })
    assert.ok(express && koa)
    tell('an attempt to connect hangs', 'express', express)
    tell('an attempt to connect hangs', 'koa', koa)
    for (const counts of [express, koa]) holds(counts)
  })

  it('is survived: RST after execution', async () => {
    const fault = 'replies lost to an RST after execution'
    const other = await startPeer({ peer: 'list-history', url: proxy.url })
    theirs.push(other)
    const harmed = proxy.harmed
    const [express, koa, failing] = await countTogether([...ours, other], {
      strike: () => proxy.set({ harm: { to: 'reset', chance: 0.03 } }),
      clear: () => proxy.clear(),
      ...{ forMs: 3000, atLeast: 600, watchMs: 2500 },
    })
    assert.ok(express && koa && failing)
    tell(fault, 'express', express)
    tell(fault, 'koa', koa)
    tell(fault, 'list-history', failing)
    assert.ok(proxy.harmed > harmed + 2, `${proxy.harmed - harmed} harmed`)
    for (const counts of [express, koa]) {
      holds(counts)
      assert.equal(counts.reordered, 0)
    }
    assert.ok(failing.doubled > 0, JSON.stringify(failing))
  })
})
