import assert from 'node:assert/strict'
import { createStore } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'

for (const { name, serve } of frameworks)
  describe(`methods taken off their object, on ${name}`, () => {
    it('work as on it: of a memory, and of a turn', async () => {
      const store = createStore({ provider: 'embedded' })
      const app = await serve({ memory: { store } }, async ({ memory, send }) => {
        const { append, context, history, turn, open, info } = memory
        await append({ role: 'user', content: 'one' })
        await append({ role: 'assistant', content: 'two' })
        const { context: before, commit, reply } = await turn({ role: 'user', content: 'three' })
        const { messages } = await before()
        await commit({ role: 'assistant', content: 'four' })
        const { append: elsewhere } = open('other')
        await elsewhere({ role: 'user', content: 'five' })
        send(200, {
          seen: messages.map(({ content }) => content),
          kept: (await history()).items.map(({ content }) => content),
          context: (await context()).messages.length,
          title: (await info())?.title,
          answered: (await reply())?.content,
        })
      })
      const answered = await fetch(app.url)
        .then((response) => response.json())
        .finally(async () => {
          await app.close()
          await store.close()
        })
      assert.deepEqual(answered, {
        seen: ['one', 'two', 'three'],
        kept: ['one', 'two', 'three', 'four'],
        context: 4,
        title: 'one',
        answered: 'four',
      })
    })
  })
