import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { it } from 'mocha'
import { resumableChat } from '../../examples/samples/33-stop-and-resume.ts'
import { listen } from '../support/apps.ts'
import { allEvents, eventsOf, statusOf, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

onEachProvider('33-stop-and-resume', ({ store }) => {
  it('goes on from the last event that was seen', async () => {
    const more = latch()
    async function* slowly() {
      yield 'one '
      await more.opened
      yield 'two'
    }
    const { url, close } = await listen(resumableChat(await store(), slowly))
    const asking = new AbortController()
    const response = await fetch(`${url}/chats/tea`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"Count"}',
      signal: asking.signal,
    })
    const cookie = String(response.headers.getSetCookie()[0]?.split(';')[0])
    let seen: string | undefined
    for await (const { event, id } of eventsOf(response)) {
      seen = id
      if (event === 'delta') break
    }
    notEqual(seen, undefined)
    asking.abort()
    const again = await fetch(`${url}/chats/tea/stream`, {
      headers: { cookie, 'last-event-id': String(seen) },
    })
    more.open()
    const rest = await allEvents(again)
    deepEqual([textOf(rest), statusOf(rest)], ['two', 'complete'])
    await close()
  })

  it('answers 204 where there is nothing to follow', async () => {
    const { ask, close } = await serve(resumableChat(await store(), (text) => text))
    equal((await ask('GET', '/chats/tea/stream')).status, 204)
    await close()
  })

  it('stops an answer, and keeps what was said of it', async () => {
    const never = latch()
    async function* endless() {
      yield 'one '
      await never.opened
    }
    const { ask, json, close } = await serve(resumableChat(await store(), endless))
    const response = await ask('POST', '/chats/tea', { text: 'Count' })
    deepEqual(await json('POST', '/chats/tea/stop'), { stopped: true })
    const events = await allEvents(response)
    deepEqual([textOf(events), statusOf(events)], ['one ', 'aborted'])
    deepEqual(await json('POST', '/chats/tea/stop'), { stopped: false })
    await close()
  })
})
