import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Memory, type Store } from '../../../lib/index.ts'
import { type App, type Exchange, frameworks } from '../../support/apps.ts'
import { eventually } from '../../support/eventually.ts'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'
import { flood, outOfMemory } from './strikes.ts'

describe('fault table: a Redis that is full', function () {
  this.timeout(60_000)
  let server: TestServer
  let admin: Redis
  let all: Contestants<'list-history' | 'express-session'>
  before(async () => {
    server = await startRedis()
    admin = server.client()
    await admin.ping()
    all = await contestants(server.url, ['list-history', 'express-session'])
  })
  after(async () => {
    await all.stop()
    await server.stop()
  })

  it('OOM under noeviction: appends reject, and nothing acknowledged is lost', async () => {
    const fault = 'OOM under noeviction for 3 s'
    const counts = await all.under(fault, { ...outOfMemory(admin), forMs: 3000 })
    for (const each of [counts.express, counts.koa]) {
      // What is said is refused with 503, as documented: there is nowhere to keep it for long.
      holds(each, { failed: Number.POSITIVE_INFINITY })
      assert.ok(each.failed > 30)
    }
    breaks(counts['express-session'], 'lost')
  })

  it('volatile-ttl in a flood of what ends sooner: every session stays', async () => {
    const idle = await sayIdle(all.apps, 'ttl')
    const fault = 'a flood under volatile-ttl, 100 idle sessions'
    const blow = flood(admin, 'volatile-ttl')
    const counts = await all.under(fault, { ...blow, forMs: 500 }, idle.lost)
    // No peer fails: sessions that end in a day, lists that never end, stay as ours do.
    for (const each of [counts.express, counts.koa]) holds(each)
    assert.ok((await evicted(admin)) > 1000)
  })

  it('allkeys-lru in a flood: sessions go, whoever keeps them, and nothing else fails', async () => {
    const idle = await sayIdle(all.apps, 'lru')
    const fault = 'a flood under allkeys-lru, 100 idle sessions'
    const blow = flood(admin, 'allkeys-lru')
    const counts = await all.under(fault, { ...blow, forMs: 500 }, idle.lost)
    for (const each of [counts.express, counts.koa]) holds({ ...each, lost: 0 })
    // What docs/deploying.md says of this policy is true of ours, too.
    for (const each of Object.values(counts)) assert.ok(each.lost > 20)
  })
})

for (const framework of frameworks) {
  describe(`a Redis that is out of memory, on ${framework.name}`, () => {
    let server: TestServer
    let store: Store
    let app: App
    let made = 0
    beforeEach(async () => {
      server = await startRedis()
      store = createStore({ url: server.url, deadline: '1s' })
      app = await framework.serve(
        {
          memory: { store },
          limit: { store, limit: 100 },
          cache: { store, ttl: '1m', scope: 'user' },
        },
        answer,
      )
      made = 0
      assert.deepEqual(await get('say=one'), [200, 'said'])
      await outOfMemory(server.client()).strike()
    })
    afterEach(async () => {
      await app.close()
      await store.close()
      await server.stop()
    })

    async function answer({ memory, query, send }: Exchange): Promise<void> {
      made += 1
      const [[asked = '', content = ''] = []] = query
      const deed = deeds[asked]
      send(200, deed === undefined ? 'an answer' : await deed(memory, content))
    }

    async function get(query: string): Promise<[status: number, text: string]> {
      const reply = await fetch(`${app.url}/?${query}`, { headers: { 'x-user': 'ann' } })
      return [reply.status, await reply.text()]
    }

    it('refuses what is said with 503, and keeps nothing of it', async () => {
      for (const write of ['say=two', 'turn=two', 'fork'])
        assert.equal((await get(write))[0], 503, write)
      await outOfMemory(server.client()).clear()
      assert.deepEqual(await get('say=three'), [200, 'said'])
      assert.deepEqual(await get('read'), [200, 'one,three'])
    })

    it('reads, exports and deletes', async () => {
      assert.deepEqual(await get('read'), [200, 'one'])
      const [status, text] = await get('export')
      assert.equal(status, 200)
      assert.match(text, /"one"/)
      assert.deepEqual(await get('delete'), [200, 'true'])
      assert.deepEqual(await server.client().keys('session:*:default*'), [])
    })

    it('gives answers, and stores none', async () => {
      const earlier = made
      assert.deepEqual(await get('ask'), [200, 'an answer'])
      assert.equal(made, earlier + 1)
      const stored = async () => (await server.client().keys('cache:*')).length
      const before = await stored()
      assert.deepEqual(await get('ask=more'), [200, 'an answer'])
      assert.equal(await stored(), before)
    })
  })
}

/** What a request may ask for, by the name of its parameter. */
const deeds: Readonly<Record<string, (memory: Memory, content: string) => Promise<string>>> = {
  async say(memory, content) {
    const { degraded } = await memory.append({ role: 'user', content })
    return degraded ? 'kept' : 'said'
  },
  async read(memory) {
    const { items } = await memory.history()
    return items.map(({ content }) => content).join()
  },
  async export(memory) {
    const lines: string[] = []
    for await (const line of memory.export()) lines.push(line)
    return lines.join('')
  },
  async turn(memory, content) {
    const turn = await memory.turn({ role: 'user', content })
    await turn.abort()
    return turn.degraded ? 'kept' : 'said'
  },
  fork: async (memory) => (await memory.fork()).id,
  delete: async (memory) => String(await memory.sessions.delete(memory.id)),
}

/** Lets a hundred users say one thing to each app, and gives who is to look how many are lost. */
async function sayIdle(apps: Contestants<never>['apps'], name: string) {
  const users = Array.from({ length: 100 }, (_, at) => `idle-${name}-${at}`)
  const get = async (url: string, query: string, user: string) =>
    (await (await fetch(`${url}/?${query}`, { headers: { 'x-user': user } })).json()) as unknown
  for (const { url } of apps) await Promise.all(users.map((user) => get(url, `say=${name}`, user)))
  return {
    async lost(url: string): Promise<number> {
      const read = (user: string) =>
        eventually('it is read', () => get(url, `read=${user}`, user) as Promise<unknown[]>)
      const found = await Promise.all(users.map(read))
      return found.filter((contents) => !contents.includes(name)).length
    },
  }
}

async function evicted(admin: Redis): Promise<number> {
  const [, count] = /evicted_keys:(\d+)/.exec(await admin.info('stats')) ?? []
  return Number(count)
}
