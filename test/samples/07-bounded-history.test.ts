import { deepEqual, equal, ok } from 'node:assert/strict'
import { it } from 'mocha'
import { boundedApp } from '../../examples/samples/07-bounded-history.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

interface Answer {
  readonly kept: readonly string[]
  readonly shown: readonly string[]
}

onEachProvider('07-bounded-history', ({ store }) => {
  it('keeps the newest messages and shows the newest of them, whatever comes', async () => {
    const { json, close } = await serve(boundedApp(await store()))
    const said: string[] = []
    for (let turn = 0; turn < 100; turn += 1) {
      said.push(`message ${turn}`)
      const { kept, shown } = await json<Answer>('POST', '/', { text: said.at(-1) })
      ok(kept.length <= 40 && shown.length <= 10)
      equal(kept.length >= Math.min(said.length, 30), true)
      deepEqual(kept, said.slice(-kept.length))
      deepEqual(shown, said.slice(-shown.length))
    }
    await close()
  })
})
