import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { ask } from '../../support/fault-load.ts'
import { startFaultApp } from '../../support/fault-processes.ts'
import { countTogether } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'

const what = 'a flood of users and pages, kept in the process'
const flood = 600
const pageBytes = 10_000
const memoryPeer = new URL('../../support/memory-peer.ts', import.meta.url)
// Conversations have a quarter of the keys, two for each user: a hundred users of those that come.
const store = { provider: 'embedded', maxEntries: 800, maxBytes: 4 * 1024 * 1024 } as const

describe(what, function () {
  this.timeout(120_000)
  let apps: readonly ForkedApp[] = []

  before(async () => {
    apps = await Promise.all([
      startFaultApp({ framework: 'express', store }),
      startFaultApp({ framework: 'koa', store }),
      forkApp(memoryPeer, []),
    ])
    // What a process takes in any case it takes now.
    await Promise.all(apps.map((app) => flooded(app, 'first')))
  })
  after(async () => {
    await Promise.all(apps.map((app) => app.stop('SIGKILL')))
  })

  it('takes neither memory nor a conversation that goes on, where a cache without a bound keeps all', async () => {
    const [express, koa, apicache] = await countTogether(apps, {
      strike: () => Promise.all(apps.map((app) => flooded(app, 'then'))),
      clear: () => {},
      forMs: 0,
      watchMs: 500,
    })
    assert.ok(express && koa && apicache)
    for (const [who, counts] of Object.entries({ express, koa, apicache })) tell(what, who, counts)
    for (const counts of [express, koa]) {
      holds(counts, { backMs: 0 })
      assert.equal(counts.degraded, 0)
    }
    const { body: kept } = await ask(`${apps[2]?.url}/?kept`, '', 5000)
    assert.ok(Number(kept) >= flood, `${kept} pages`)
  })
})

/** As many users, each of whom says something or reads a page that nobody else does. */
async function flooded({ url }: ForkedApp, name: string): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < flood) {
      next += 1
      const query = next % 2 === 0 ? `say=${name}-${next}` : `page=${pageBytes}&at=${name}-${next}`
      assert.ok((await ask(`${url}/?${query}`, `${name}-${next}`, 5000)).ok)
    }
  }
  await Promise.all([one(), one()])
}
