import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'mocha'
import { cachedSearch, documentChanged } from '../../examples/samples/53-cached-with-tags.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('53-cached-with-tags', ({ store: empty }) => {
  it('searches anew for what was found in a document that changed, and for nothing else', async () => {
    const store = await empty()
    const asked: string[] = []
    const search = cachedSearch(store, async (question) => {
      asked.push(question)
      return { passages: [question], documents: [`${question}.md`] }
    })
    for (const question of ['rent', 'heat']) {
      await search(question)
      await eventually(
        'it is kept',
        async () => (await search.withStatus(question)).status === 'hit' || undefined,
      )
    }
    asked.length = 0
    await documentChanged(store, 'rent.md')
    equal((await search.withStatus('rent')).status, 'miss')
    equal((await search.withStatus('heat')).status, 'hit')
    deepEqual(asked, ['rent'])
  })
})
