import { equal, match, rejects } from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { it } from 'mocha'
import { streamApp } from '../../examples/samples/52-streams-joined.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

const whole = 'data: "one"\n\ndata: "two"\n\ndata: [DONE]\n\n'

onEachProvider('52-streams-joined', ({ store }) => {
  it('asks the model once for those who come while it answers, and after', async () => {
    let asked = 0
    const more = new EventEmitter()
    const { ask, close } = await serve(
      streamApp(await store(), async function* () {
        asked += 1
        yield 'one'
        await once(more, 'more')
        yield 'two'
      }),
    )
    const first = await ask('GET', '/answer?q=a')
    const second = await ask('GET', '/answer?q=a')
    equal(second.headers.get('cache-status'), 'memoryware; fwd=miss; collapsed')
    more.emit('more')
    equal(await first.text(), whole)
    equal(await second.text(), whole)
    const later = await eventually('it is stored', async () => {
      const answer = await ask('GET', '/answer?q=a')
      const text = await answer.text()
      return /hit/.test(answer.headers.get('cache-status') ?? '') ? text : undefined
    })
    equal(later, whole)
    equal(asked, 1)
    await close()
  })

  it('does not store an answer that broke off', async () => {
    const app = streamApp(await store(), async function* () {
      yield 'one'
      throw new Error('The model is away')
    })
    // Express prints what fails elsewhere.
    app.set('env', 'test')
    const { ask, close } = await serve(app)
    for (let time = 0; time < 2; time += 1) {
      const answer = await ask('GET', '/answer?q=b')
      match(answer.headers.get('cache-status') ?? '', /fwd=miss/)
      await rejects(answer.text())
    }
    await close()
  })
})
