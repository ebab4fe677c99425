import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { sessionKeys } from '../../lib/keys.ts'
import { eventually } from '../support/eventually.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  describe(`an abandoned turn whose pieces cannot be read, over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store, { turns: 'reject' })
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    it('does not keep the next one from beginning', async () => {
      const keys = sessionKeys('ann', 'default')
      const question = { id: 'q1', role: 'u', tokens: 1, payload: Buffer.from('{"content":"hi"}') }
      const hold = { turn: 'q1', token: crypto.randomUUID() }
      const claim = { token: hold.token, runner: 'gone', leaseMs: 1, alone: true }
      const bounds = { ttlMs: 60_000, max: 200, keep: 150, ifRev: undefined, title: undefined }
      await store.turns.begin(keys, { ...question, role: 'u' }, claim, bounds, 1)
      // Of a key that is no longer given, or of a later version.
      const batch = { last: 1, bytes: Buffer.from('\x01not to be read') }
      await store.turns.write(keys, hold, batch, { leaseMs: 1, keepMs: 60_000 })
      await eventually('the lease is over', async () => {
        const { live } = await store.turns.look(keys, 'q1', 0, 0)
        return live ? undefined : true
      })
      const { messages } = await memories.ann(async (memory) => {
        const turn = await memory.turn({ id: 'q2', role: 'user', content: 'still there?' })
        await turn.commit({ role: 'assistant', content: 'yes' })
        return memory.context()
      })
      assert.deepEqual(
        messages.map(({ content }) => content),
        ['hi', 'still there?', 'yes'],
      )
    })
  })
}
