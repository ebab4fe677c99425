import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { AnyMessage, Memory, Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

const call = { type: 'tool-place', toolCallId: 'c', state: 'input-available', input: {} }
const result = { ...call, state: 'output-available', output: 'Rome' }

for (const stores of testStores()) {
  describe(`a turn that goes on with an answer, over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store)
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    /** A question, and an answer whose call a client has carried out. */
    async function called(memory: Memory): Promise<AnyMessage> {
      const turn = await memory.turn({ id: 'q', role: 'user', content: 'where?' })
      await turn.commit({ id: 'a', role: 'assistant', parts: [call] })
      const [, answer] = (await memory.history()).items
      const content = [result]
      await memory.update('a', { ...answer, content } as AnyMessage)
      return { ...answer, content } as AnyMessage
    }

    it('keeps what it says behind that answer', async () => {
      const [items, seen] = await memories.ann(async (memory) => {
        const turn = await memory.turn(await called(memory), { continues: true })
        const context = await turn.context({ as: 'openai' })
        await turn.commit({ id: 'b', role: 'assistant', content: 'In Rome.' })
        return [(await memory.history()).items, context.messages] as const
      })
      assert.deepEqual(
        items.map(({ id, role }) => [id, role]),
        [
          ['q', 'user'],
          ['a', 'assistant'],
          ['b', 'assistant'],
        ],
      )
      assert.deepEqual(
        seen.map(({ role }) => role),
        ['user', 'assistant', 'tool'],
      )
    })

    it('gives what was said where it is asked to go on again', async () => {
      const replay = await memories.ann(async (memory) => {
        const answer = await called(memory)
        const turn = await memory.turn(answer, { continues: true })
        await turn.commit({ id: 'b', role: 'assistant', content: 'In Rome.' })
        return (await memory.turn(answer, { continues: true })).replay
      })
      assert.deepEqual([replay?.id, replay?.turn], ['b', 'a'])
    })

    it('begins with an answer only, and only where the server says so', async () => {
      await memories.ann(async (memory) => {
        const answer = await called(memory)
        await assert.rejects(memory.turn(answer), { status: 400 })
        const question: AnyMessage = { role: 'user', content: 'a' }
        await assert.rejects(memory.turn(question, { continues: true }), { status: 400 })
      })
    })

    for (const framework of frameworks) {
      it(`is known by the name that the server gives it, on ${framework.name}`, async () => {
        const app = await framework.serve({ memory: { store } }, async ({ memory, target }) => {
          const turn = await memory.turn({ id: 'q', role: 'user', content: 'a' })
          const source = turn.replay ? undefined : ['well']
          await turn.pipe(source, target, { as: 'ui', messageId: 'mine' })
        })
        for (const _ of [1, 2]) {
          const headers = { 'x-user': 'ann' }
          const text = await (await fetch(app.url, { method: 'POST', headers })).text()
          assert.match(text, /"start","messageId":"mine".*"well"/s)
        }
        await app.close()
      })
    }
  })
}
