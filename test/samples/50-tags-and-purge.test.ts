import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'mocha'
import { type Answer, answersApp } from '../../examples/samples/50-tags-and-purge.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'
import { type Served, serve } from './served.ts'

const sources: Record<string, readonly string[]> = { rent: ['lease', 'prices'], heat: ['prices'] }

/** Asks until what was made for it is stored. */
async function store({ ask }: Served, q: string): Promise<void> {
  await eventually(
    `${q} is stored`,
    async () => (await statusOf(await ask('GET', `/answer?q=${q}`))) === 'hit' || undefined,
  )
}

async function statusOf(response: Response): Promise<string | undefined> {
  await response.text()
  return /memoryware; (hit|fwd=\w+)/.exec(response.headers.get('cache-status') ?? '')?.[1]
}

onEachProvider('50-tags-and-purge', ({ store: empty }) => {
  it('makes answers anew whose document has changed, and no others', async () => {
    const asked: string[] = []
    const answer = async (q: string): Promise<Answer> => {
      asked.push(q)
      return { text: q.toUpperCase(), sources: sources[q] ?? [] }
    }
    const served = await serve(answersApp(await empty(), answer))
    for (const q of ['rent', 'heat']) await store(served, q)
    asked.length = 0
    equal((await served.ask('PUT', '/documents/lease')).status, 204)
    equal(await statusOf(await served.ask('GET', '/answer?q=rent')), 'fwd=miss')
    equal(await statusOf(await served.ask('GET', '/answer?q=heat')), 'hit')
    deepEqual(asked, ['rent'])
    await served.close()
  })
})
