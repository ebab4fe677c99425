import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { searchApp } from '../../examples/rag-cache/app.ts'
import { createLibrary, type Library, readPassages } from '../../examples/rag-cache/library.ts'
import { listen } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'
import { fixtures, type Started, startChat } from './started.ts'
import { Visitor } from './visitor.ts'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))

interface Found {
  readonly cache: string
  readonly passages: readonly { readonly file: string; readonly heading: string }[]
}

async function search(visitor: Visitor, question: string): Promise<Found> {
  const response = await visitor.fetch(`/search?q=${encodeURIComponent(question)}`)
  equal(response.status, 200)
  return (await response.json()) as Found
}

async function queries(visitor: Visitor): Promise<[question: string, cache: string][]> {
  const response = await visitor.fetch('/queries')
  const asked = (await response.json()) as { question: string; cache: string }[]
  return asked.map(({ question, cache }) => [question, cache])
}

/** A library that notes what it was searched for. */
function counted(library: Library) {
  const searched: string[] = []
  const search = (question: string) => {
    searched.push(question)
    return library.search(question)
  }
  return { ...library, searched, search }
}

for (const stores of bothProviders()) {
  describe(`the example: a retrieval cache, ${stores.name}`, () => {
    let library: Library
    before(async () => {
      await stores.start()
      library = createLibrary(await readPassages(docs))
    })
    after(() => stores.stop())

    async function serve(library: Library, store = stores.empty()) {
      return listen(searchApp(library, await store))
    }

    it('finds the passages that answer a question', async () => {
      const { url, close } = await serve(library)
      const { passages } = await search(new Visitor(url), 'How long may a request wait for Redis?')
      equal(passages.length, 3)
      const { passages: found } = await search(new Visitor(url), 'the breaker and the deadline')
      deepEqual([found[0]?.file, found[0]?.heading], ['when-redis-is-down.md', 'The deadline'])
      await close()
    })

    it('does not search again for a question, whoever repeats it', async () => {
      const own = counted(library)
      const { url, close } = await serve(own)
      const [ann, bob] = [new Visitor(url), new Visitor(url)]
      const first = await search(ann, 'What is the deadline?')
      equal(first.cache, 'miss')
      const again = await eventually('the result is kept', async () => {
        const found = await search(bob, ' what is  the DEADLINE? ')
        return found.cache === 'hit' ? found : undefined
      })
      deepEqual(again.passages, first.passages)
      equal((await search(ann, 'What is the deadline?')).cache, 'hit')
      equal((await search(ann, 'What is a guest?')).cache, 'miss')
      deepEqual(own.searched, ['What is the deadline?', 'What is a guest?'])
      await close()
    })

    it('lists what this visitor asked, newest first, and nothing of another', async () => {
      const { url, close } = await serve(library)
      const [ann, bob] = [new Visitor(url), new Visitor(url)]
      deepEqual(await queries(ann), [])
      await search(ann, 'What is a guest?')
      await search(ann, 'What is the deadline?')
      await search(bob, 'What is a turn?')
      deepEqual(await queries(ann), [
        ['What is the deadline?', 'miss'],
        ['What is a guest?', 'miss'],
      ])
      deepEqual(await queries(bob), [['What is a turn?', 'miss']])
      await close()
    })

    it('searches anew when the documents have changed', async () => {
      const store = stores.empty()
      const passages = await readPassages(docs)
      const [one, two] = [
        counted(createLibrary(passages)),
        counted(createLibrary(passages.slice(1))),
      ]
      for (const own of [one, two]) {
        const { url, close } = await serve(own, store)
        equal((await search(new Visitor(url), 'What is a guest?')).cache, 'miss')
        await close()
      }
      deepEqual([one.searched.length, two.searched.length], [1, 1])
    })

    it('refuses what is no question', async () => {
      const { url, close } = await serve(library)
      for (const asked of ['', '?q=', '?q=%20', '?q=a&q=b', `?q=${'x'.repeat(501)}`])
        equal((await fetch(`${url}/search${asked}`)).status, 400)
      await close()
    })
  })
}

describe('the example: a retrieval cache, as somebody starts it', function () {
  this.timeout(30_000)
  let server: TestServer
  const started: Started[] = []
  before(async () => {
    server = await startRedis()
  })
  after(async () => {
    await Promise.all(started.map((app) => app.stop()))
    await server.stop()
  })

  async function start(env: Record<string, string>): Promise<Visitor> {
    const app = await startChat('rag-cache', env)
    started.push(app)
    return new Visitor(new URL(app.url).origin)
  }

  it('answers the question it prints', async () => {
    await start({})
    const response = await fetch(started[0]?.url ?? '')
    const { passages } = (await response.json()) as Found
    ok(passages.length > 0)
  })

  it('shares results over Redis with another process, and ends in order', async () => {
    const env = { REDIS_URL: server.url, DOCS_DIR: fixtures('docs/guide') }
    const [one, two] = [await start(env), await start(env)]
    const { cache, passages } = await search(one, 'How do I revoke a link?')
    equal(cache, 'miss')
    match(passages[0]?.file ?? '', /links/)
    await eventually(
      'the other has it',
      async () => (await search(two, 'How do I revoke a link?')).cache === 'hit' || undefined,
    )
    equal(await started.at(-1)?.stop(), 0)
  })
})
