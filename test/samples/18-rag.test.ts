import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'mocha'
import { cachedSearch, lastQueries, note } from '../../examples/samples/18-rag.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('18-rag', ({ store: empty }) => {
  it('searches once for a question, however it is written', async () => {
    const searched: string[] = []
    const search = cachedSearch(await empty(), async (query) => {
      searched.push(query)
      return [`about ${query}`]
    })
    deepEqual(await search('green tea'), ['about green tea'])
    await eventually(
      'the result is there',
      async () => (await search.withStatus(' Green  TEA ')).status === 'hit' || undefined,
    )
    deepEqual(await search('GREEN TEA'), ['about green tea'])
    equal(searched.length, 1)
  })

  it('lists the last queries of a user, newest first', async () => {
    const store = await empty()
    deepEqual(await lastQueries(store, 'ann'), [])
    for (let at = 1; at <= 12; at += 1) await note(store, 'ann', `query ${at}`)
    await note(store, 'bob', 'something else')
    deepEqual(await lastQueries(store, 'ann', 3), ['query 12', 'query 11', 'query 10'])
    equal((await lastQueries(store, 'ann')).length, 10)
  })

  it('keeps queries that come at once', async () => {
    const store = await empty()
    const queries = Array.from({ length: 20 }, (_, at) => `query ${at}`)
    await Promise.all(queries.map((query) => note(store, 'ann', query)))
    deepEqual((await lastQueries(store, 'ann', 50)).toSorted(), queries.toSorted())
  })
})
