import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeSites } from '../../cache/site.ts'
import { cases } from './cases.ts'
import { type Peer, peers } from './peers.ts'
import { leaks } from './script.ts'

for (const peer of Object.keys(peers) as Peer[]) {
  describe(`${peer} gives away`, () => {
    const closing: (() => void)[] = []

    afterEach(closeSites)
    // Answers that come late make entries, and timers, after the last request.
    after(() => {
      for (const close of closing) close()
    })

    for (const leakCase of cases.filter(({ leaksIn }) => leaksIn.includes(peer))) {
      it(leakCase.says, async () => {
        const { framework, plan, close } = peers[peer]()
        closing.push(close)
        const trial = { framework, plan: { ...plan, cache: undefined }, settled, patienceMs: 400 }
        assert.equal(await leaks(leakCase, trial), true)
      })
    }
  })
}

describe('what a cache may give away', () => {
  it('is shown by one that does, each', () => {
    assert.deepEqual(
      cases.filter(({ leaksIn }) => leaksIn.length === 0).map(({ says }) => says),
      [],
    )
  })
})

/** Its entry is there when the response is closed on its own side. */
async function settled(): Promise<void> {
  await sleep(5)
}
