import { deepEqual, equal } from 'node:assert/strict'
import type { Store } from 'memoryware'
import { beforeEach, it } from 'mocha'
import { cachedSummary, summaryByHand } from '../../examples/samples/05-cached-results.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'

/** A function that counts how often it ran. */
function counted() {
  const ran: string[] = []
  const summarize = async (text: string) => {
    ran.push(text)
    return text.slice(0, 3)
  }
  return { ran, summarize }
}

onEachProvider('05-cached-results', ({ store: empty }) => {
  let store: Store
  beforeEach(async () => {
    store = await empty()
  })

  it('runs the function once for a text, with cached()', async () => {
    const { ran, summarize } = counted()
    const summary = cachedSummary(store, summarize)
    deepEqual(await Promise.all([summary('long text'), summary('long text')]), ['lon', 'lon'])
    await eventually(
      'the result is there',
      async () => (await summary.withStatus('long text')).status === 'hit' || undefined,
    )
    equal(await summary('other text'), 'oth')
    deepEqual(ran, ['long text', 'other text'])
  })

  it('runs it anew once its result is deleted', async () => {
    const { ran, summarize } = counted()
    const summary = cachedSummary(store, summarize)
    await summary('long text')
    await summary.delete('long text')
    await summary('long text')
    equal(ran.length, 2)
  })

  it('runs the function once for a text, by hand', async () => {
    const { ran, summarize } = counted()
    equal(await summaryByHand(store, summarize, 'long text'), 'lon')
    equal(await summaryByHand(store, summarize, 'long text'), 'lon')
    deepEqual(ran, ['long text'])
  })

  it('runs it twice by hand for equal calls at once', async () => {
    const { ran, summarize } = counted()
    await Promise.all([1, 2].map(() => summaryByHand(store, summarize, 'long text')))
    equal(ran.length, 2)
  })
})
