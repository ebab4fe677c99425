import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'

const page = (name: string) => readFile(join(root, 'docs/redis', `${name}.conf`), 'utf8')
const lines = async (name: string) => (await page(name)).split('\n')
const text = 'x'.repeat(1000)

for (const [name, expected] of [
  ['sessions', { 'maxmemory-policy': 'noeviction', appendonly: 'yes', appendfsync: 'everysec' }],
  ['cache', { 'maxmemory-policy': 'volatile-ttl', appendonly: 'no', save: '' }],
] as const) {
  describe(`docs/redis/${name}.conf`, () => {
    let server: TestServer
    before(async () => {
      server = await startRedis({ config: await lines(name) })
    })
    after(() => server.stop())

    it('is what Redis then has', async () => {
      const admin = server.client()
      for (const [setting, value] of Object.entries({ ...expected, ...(await settingsIn(name)) })) {
        const [, found] = (await admin.config('GET', setting)) as string[]
        assert.equal(found, value, setting)
      }
    })

    it('gives every setting a comment that says what it loses', async () => {
      const paragraphs = (await page(name)).trim().split('\n\n')
      for (const paragraph of paragraphs) assert.match(paragraph, /^# /, paragraph)
      assert.ok(paragraphs.length > 7)
    })
  })
}

describe('a Redis that is full', () => {
  let server: TestServer
  let store: Store
  let app: App
  afterEach(async () => {
    await app.close()
    await store.close()
    await server.stop()
  })

  async function open(name: string, ...settings: string[]): Promise<void> {
    const args = ['--maxmemory', '5mb', ...settings]
    server = await startRedis({ config: await lines(name), args })
    store = createStore({ url: server.url, deadline: '1s' })
    app = (await frameworks[0]?.serve(
      {
        memory: { store, ttl: '10m', maxStored: 1000 },
        cache: { store, ttl: '1h', scope: 'user' },
      },
      handle,
    )) as App
  }

  const ask = (user: string, path: string) =>
    fetch(`${app.url}${path}`, { headers: { 'x-user': user } })

  /** Lets users say as much as Redis takes, and more; gives how many were heard and how the last was answered. */
  async function flood(users: number): Promise<{ heard: string[]; answer: Response }> {
    const heard: string[] = []
    for (let at = 0; ; at += 1) {
      const answer = await ask(`user-${at}`, '/?say=20')
      if (answer.ok) heard.push(`user-${at}`)
      if (!answer.ok || at === users) return { heard, answer }
    }
  }

  it('answers an append with full under noeviction, while reads and deletes work', async () => {
    await open('sessions')
    const { heard, answer } = await flood(1000)
    assert.ok(heard.length > 10 && heard.length < 1000, `${heard.length}`)
    assert.equal(answer.status, 503)
    assert.match(await answer.text(), /^Store failed on append: full$/)
    const [first = ''] = heard
    assert.equal(await (await ask(first, '/')).text(), '20')
    for (const user of heard.slice(0, 10)) assert.equal((await ask(user, '/?delete=1')).status, 200)
    assert.equal((await ask(first, '/?say=20')).status, 200)
  })

  it('drops what ends first under volatile-ttl, and keeps what has no end', async () => {
    await open('sessions', '--maxmemory-policy', 'volatile-ttl')
    const until = { ttl: '1d' }
    for (let at = 0; at < 100; at += 1) {
      await store.set(`long-${at}`, text, until)
      await store.set(`forever-${at}`, text)
    }
    for (let at = 0; at < 5000; at += 1) await store.set(`short-${at}`, text, { ttl: '1m' })
    const info = await store.info()
    assert.ok(info.stats.evicted > 100)
    assert.equal((await store.keys('forever-*')).length, 100)
    assert.equal((await store.keys('long-*')).length, 100)
  })

  it('drops responses with cache.conf, and keeps the purges that forbid them', async () => {
    await open('cache')
    const tags = Array.from({ length: 100 }, (_, at) => `tag-${at}`)
    await store.purge({ tags })
    for (let at = 0; at < 5000; at += 1) await store.set(`page-${at}`, text, { ttl: '1h' })
    const { stats } = await store.info()
    assert.ok(stats.evicted > 100)
    assert.equal((await store.keys('cache:purged:*')).length, tags.length)
  })

  it('drops responses under allkeys-lru and goes on, and conversations too', async () => {
    await open('cache', '--maxmemory-policy', 'allkeys-lru')
    const { heard } = await flood(600)
    assert.equal(heard.length, 601)
    const { stats } = await store.info()
    assert.ok(stats.evicted > 100)
    const kept = await Promise.all(
      heard.slice(0, 20).map(async (user) => (await ask(user, '/')).text()),
    )
    assert.ok(kept.includes('0'), `${kept}`)
    for (let at = 0; at < 20; at += 1)
      assert.equal((await ask('ann', `/page?page=${at}`)).status, 200)
    await eventually('the newest page is a hit', async () => {
      const answer = await ask('ann', '/page?page=19')
      return answer.headers.get('cache-status')?.includes('hit') || undefined
    })
  })
})

describe('a Redis that is killed', () => {
  it('has everything a second later with sessions.conf, and nothing with cache.conf', async () => {
    for (const [name, found] of [
      ['sessions', 20],
      ['cache', undefined],
    ] as const) {
      const server = await startRedis({ config: await lines(name) })
      const store = createStore({ url: server.url, deadline: '1s' })
      await store.set('kept', 20)
      await sleep(1100)
      await server.kill()
      await server.restart()
      const value = await eventually('the store answers', async () => [await store.get('kept')])
      assert.deepEqual(value, [found], name)
      await store.close()
      await server.stop()
    }
  })
})

async function handle({ memory, query, send, set }: Exchange): Promise<void> {
  if (query.has('page')) {
    set('content-type', 'text/plain')
    return send(200, text)
  }
  if (query.has('delete')) return send(200, String(await memory.delete()))
  const said = Number(query.get('say') ?? 0)
  if (said > 0)
    await memory.append(
      Array.from({ length: said }, () => ({ role: 'user', content: text }) as const),
    )
  set('cache-control', 'no-store')
  send(200, String((await memory.history({ limit: 100 })).items.length))
}

/** The settings that a file makes, as CONFIG GET gives them. */
async function settingsIn(name: string): Promise<Record<string, string>> {
  const settings = (await lines(name)).filter((line) => line !== '' && !line.startsWith('#'))
  const units: Record<string, string> = { '1gb': '1073741824', '512mb': '536870912', '""': '' }
  return Object.fromEntries(
    settings.map((line) => {
      const [setting = '', ...value] = line.split(' ')
      return [setting, units[value.join(' ')] ?? value.join(' ')]
    }),
  )
}
