import { deepEqual, equal } from 'node:assert/strict'
import type { Store } from 'memoryware'
import { it } from 'mocha'
import { editableChat } from '../../examples/samples/34-edit-and-regenerate.ts'
import { sessionMemory } from '../../middleware/express.ts'
import { allEvents, textOf } from '../support/event-stream.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

/** The app, whose answers are numbered, and a look at what is kept. */
async function serveEditable(store: Store) {
  let count = 0
  const app = editableChat(store, (text) => `${text}, ${++count}`)
  app.set('env', 'test').use(sessionMemory({ store }), async (req, res) => {
    const { items } = await req.memory.open(req.path.slice(1)).history()
    res.json(items)
  })
  const { ask, json, close } = await serve(app)
  const say = async (path: string, body?: object) => {
    const response = await ask('POST', `/chats/tea${path}`, body)
    return { response, text: textOf(await allEvents(response)) }
  }
  const kept = async (id: string) =>
    (await json<{ id: string; content: string }[]>('GET', `/${id}`)) as readonly {
      id: string
      content: string
    }[]
  const said = async (id: string) => (await kept(id)).map(({ content }) => content)
  return { ask, say, kept, said, close }
}

onEachProvider('34-edit-and-regenerate', ({ store }) => {
  it('asks in other words in the place of a question', async () => {
    const { say, kept, said, close } = await serveEditable(await store())
    await say('', { text: 'One' })
    await say('', { text: 'Tow' })
    const [, , typo] = await kept('tea')
    equal((await say('/edit', { message: typo?.id, text: 'Two' })).text, 'Two, 3')
    deepEqual(await said('tea'), ['One', 'One, 1', 'Two', 'Two, 3'])
    await close()
  })

  it('answers the last question once more', async () => {
    const { say, said, close } = await serveEditable(await store())
    await say('', { text: 'One' })
    equal((await say('/regenerate')).text, 'One, 2')
    deepEqual(await said('tea'), ['One', 'One, 2'])
    await close()
  })

  it('answers it once more in a copy, and keeps the first answer', async () => {
    const { say, said, close } = await serveEditable(await store())
    await say('', { text: 'One' })
    const { response, text } = await say('/branch')
    equal(text, 'One, 2')
    deepEqual(await said('tea'), ['One', 'One, 1'])
    deepEqual(await said(String(response.headers.get('x-session-id'))), ['One', 'One, 2'])
    await close()
  })

  it('answers 404 to what is not there', async () => {
    const { ask, close } = await serveEditable(await store())
    equal((await ask('POST', '/chats/tea/regenerate')).status, 404)
    equal((await ask('POST', '/chats/tea/edit', { message: 'm', text: 'x' })).status, 404)
    await close()
  })
})
