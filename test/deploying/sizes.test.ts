import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'

const users = 10
const text = 'x'.repeat(500)

describe('the sizes in docs/deploying.md', () => {
  let server: TestServer
  let store: Store
  before(async () => {
    server = await startRedis()
    store = createStore({ url: server.url, deadline: '1s' })
  })
  after(async () => {
    await store.close()
    await server.stop()
  })

  /** Bytes of all keys that one user's requests make Redis keep, by MEMORY USAGE. */
  async function measure(
    mounts: Mounts,
    handle: (exchange: Exchange) => unknown,
    requests = 1,
  ): Promise<number> {
    await store.deletePattern('*')
    const app = (await frameworks[0]?.serve(mounts, handle)) as App
    for (let user = 0; user < users; user += 1) await ask(app, `user-${1000 + user}`, requests)
    await app.close()
    const admin = server.client()
    const sizes = (await store.keys('*')).map((key) => admin.memory('USAGE', key, 'SAMPLES', 0))
    return (await Promise.all(sizes)).reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) / users
  }

  const say = (count: number) => async (exchange: Exchange) => {
    const role = (at: number) => (at % 2 ? 'assistant' : 'user')
    const messages = Array.from({ length: count }, (_, at) => ({ role: role(at), content: text }))
    await exchange.memory.append(messages as Parameters<typeof exchange.memory.append>[0])
    exchange.send(200, 'said')
  }
  const done = ({ send }: Exchange) => send(200, 'done')
  const answer = (bytes: number) => (exchange: Exchange) => {
    exchange.set('content-type', 'text/plain')
    exchange.send(200, 'x'.repeat(bytes))
  }
  const memory = (): Mounts => ({ memory: { store } })
  const limit = (rule: object): Mounts => ({
    limit: { store, limits: [{ limit: 10, ...rule }] },
  })
  const cache = (): Mounts => ({ cache: { store, ttl: '1h', scope: 'user' } })

  const rows: readonly [row: string, measured: () => Promise<number>][] = [
    ['a session of 2 messages', () => measure(memory(), say(2))],
    ['a session of 20 messages', () => measure(memory(), say(20))],
    ['a session of 150 messages', () => measure(memory(), say(150))],
    ['a sliding limit of up to 24', () => measure(limit({ name: 'few' }), done, 10)],
    ['a sliding limit above 24', () => measure(limit({ name: 'many', limit: 1000 }), done)],
    ['a gcra limit', () => measure(limit({ name: 'even', algorithm: 'gcra' }), done)],
    ['a fixed window', () => measure(limit({ name: 'win', algorithm: 'fixed' }), done)],
    ['a cached response of 1 kB', () => measure(cache(), answer(1000))],
    ['a cached response of 10 kB', () => measure(cache(), answer(10_000))],
  ]
  for (const [row, measured] of rows)
    it(`are right about ${row}`, async () => {
      const told = bytesOf(row, await readFile(join(root, 'docs/deploying.md'), 'utf8'))
      const bytes = Math.round(await measured())
      assert.ok(Math.abs(bytes - told) <= 0.25 * told, `${row}: ${bytes} bytes, not ${told}`)
    })
})

async function ask({ url }: App, user: string, requests: number): Promise<void> {
  for (let time = 0; time < requests; time += 1) {
    const { status } = await fetch(`${url}/`, { headers: { 'x-user': user } })
    assert.equal(status, 200)
  }
}

/** What a row of a table says: `| a session of 2 messages | 1,200 |`. */
function bytesOf(row: string, page: string): number {
  const line = page.split('\n').find((each) => each.startsWith(`| ${row}`)) ?? ''
  return Number(line.split('|')[2]?.replace(/\D/g, ''))
}
