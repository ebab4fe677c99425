import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import {
  createStore,
  embeddedProvider,
  type Memory,
  type Provider,
  type Store,
} from '../../lib/index.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type Switched, switched } from '../support/switched.ts'

const say = (content: string) => ({ role: 'user', content }) as const

async function exported(all: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const line of all) text += line
  return text
}

const kinds: Readonly<Record<string, (server: TestServer) => Provider>> = {
  embedded: () => embeddedProvider(),
  redis: ({ url }) => redisProvider({ url }),
}

for (const [kind, open] of Object.entries(kinds)) {
  describe(`threat: erase and export that miss something, over ${kind}`, () => {
    let server: TestServer
    let way: Switched
    let store: Store
    let memories: Memories
    before(async () => {
      server = await startRedis()
    })
    beforeEach(async () => {
      await server.client().flushall()
      way = switched(open(server))
      store = createStore({ provider: way.provider, deadline: '1s' })
      memories = await serveMemories(store, { turns: 'interleave' })
    })
    afterEach(async () => {
      await memories.close()
      await store.close()
    })
    after(() => server.stop())

    const keysOf = async (user: string) =>
      (await store.keys('*'))
        .filter((key) => key.includes(`{${user}}`) && !key.endsWith(':gone'))
        .sort()

    async function fill(memory: Memory): Promise<void> {
      for (const id of ['one', 'two']) {
        const chat = memory.open(id)
        await chat.append(say(`said in ${id}`))
        await chat.set({ title: id, system: 'be brief', meta: { a: 1 } })
        await chat.state.set({ step: 1 })
        const turn = await chat.turn({ id: 'q', role: 'user', content: 'and?' })
        turn.write('a piece')
        await turn.commit()
      }
      await memory.preferences.set({ tone: 'dry' })
    }

    it('forget: index, sessions, messages, states, pieces of turns and preferences go, and nobody else', async () => {
      for (const user of ['ann', 'bob']) await memories.as({ user }, fill)
      const others = await keysOf('bob')
      assert.ok(others.length >= 4)
      await memories.ann(async (memory) => {
        assert.equal(await memory.sessions.forget(), 2)
        assert.deepEqual(await keysOf('ann'), [])
        assert.deepEqual((await memory.sessions.list()).items, [])
        assert.deepEqual((await memory.open('one').history()).items, [])
        assert.deepEqual(await memory.preferences.all(), {})
        assert.deepEqual(await memory.open('one').state.all(), {})
        assert.equal(await exported(memory.sessions.export()), '')
      })
      assert.deepEqual(await keysOf('bob'), others)
    })

    it('forget: a turn that runs, and what was opened before, bring nothing back', async () => {
      await memories.ann(async (memory) => {
        await fill(memory)
        const turn = await memory.open('one').turn(say('still there?'))
        turn.write('yes, ')
        await memory.sessions.forget()
        turn.write('I am')
        const conflict = { code: 'ERR_STORE', status: 409 }
        await assert.rejects(turn.commit(), conflict)
        await assert.rejects(memory.append(say('late')), conflict)
        await assert.rejects(memory.preferences.set({ tone: 'late' }), conflict)
        await assert.rejects(memory.state.set({ step: 'late' }), conflict)
        await assert.rejects(memory.set({ title: 'late' }), conflict)
      })
      assert.deepEqual(await keysOf('ann'), [])
    })

    it('delete: a session goes with all that hangs on it, and the other stays', async () => {
      await memories.ann(async (memory) => {
        await fill(memory)
        assert.equal(await memory.open('one').delete(), true)
        const left = await keysOf('ann')
        assert.deepEqual(
          left.filter((key) => key.includes('one')),
          [],
        )
        assert.deepEqual(
          (await memory.sessions.list()).items.map(({ id }) => id),
          ['two'],
        )
      })
    })

    it('export: what was said while the store was away is in it', async () => {
      await memories.ann((memory) => memory.append(say('before')))
      way.away = true
      await memories.ann(async (memory) => {
        assert.equal((await memory.append(say('meanwhile'))).degraded, true)
        // Not half of it as if it were all.
        const away = { code: 'ERR_STORE', reason: 'unavailable' }
        await assert.rejects(exported(memory.export()), away)
        await assert.rejects(exported(memory.sessions.export()), away)
      })
      way.away = false
      const text = await memories.ann((memory) => exported(memory.sessions.export()))
      assert.match(text, /before[\s\S]*meanwhile/)
      way.away = true
      await memories.ann((memory) => memory.append(say('once more')))
      way.away = false
      assert.match(await memories.ann((memory) => exported(memory.export())), /once more/)
    })

    it('forget: what was said while the store was away goes as well', async () => {
      await memories.ann((memory) => memory.append(say('before')))
      way.away = true
      for (const session of ['default', 'new'])
        await memories.as({ session }, async (memory) => {
          assert.equal((await memory.append(say('meanwhile'))).degraded, true)
        })
      await memories.ann((memory) =>
        assert.rejects(memory.sessions.forget(), { code: 'ERR_STORE', reason: 'unavailable' }),
      )
      way.away = false
      await memories.ann((memory) => memory.sessions.forget())
      // Whatever were left in this process would be sent now.
      await memories.close()
      await store.close()
      const provider = open(server)
      if (kind === 'redis') assert.deepEqual(await provider.keys('*'), ['user:{ann}:gone'])
      await provider.close()
      memories = await serveMemories(createStore({ provider: 'embedded' }))
    })
  })
}

function purging(framework: 'express' | 'koa', store: Store) {
  const { cacheResponse } = framework === 'express' ? onExpress : onKoa
  return cacheResponse({ store, ttl: 60, scope: 'user' })
}

describe('threat: erase that misses other nodes', () => {
  let server: TestServer
  let nodes: readonly Store[]
  before(async () => {
    server = await startRedis()
  })
  beforeEach(() => {
    nodes = [1, 2].map(() => createStore({ url: server.url, deadline: '1s' }))
  })
  afterEach(async () => {
    await Promise.all(nodes.map((each) => each.close()))
    await server.client().flushall()
  })
  after(() => server.stop())

  it('what another node has still to send meets the tombstone', async () => {
    const way = switched(redisProvider({ url: server.url }))
    const late = createStore({ provider: way.provider })
    const [here, there] = [await serveMemories(nodes[0] as Store), await serveMemories(late)]
    await here.ann((memory) => memory.append(say('before')))
    way.away = true
    await there.ann((memory) => memory.append(say('meanwhile')))
    await here.ann((memory) => memory.sessions.forget())
    way.away = false
    await there.close()
    await late.close()
    assert.deepEqual(await nodes[0]?.keys('*'), ['user:{ann}:gone'])
    await here.close()
  })

  for (const framework of frameworks)
    it(`cached answers of a user go by cache.purge({ scope }), also at hand elsewhere, on ${framework.name}`, async () => {
      let runs = 0
      const apps = await Promise.all(
        nodes.map((store) =>
          framework.serve({ cache: { store, ttl: 60, scope: 'user' } }, ({ send }) => {
            runs += 1
            send(200, `run ${runs}`)
          }),
        ),
      )
      const ask = async (at: number, user: string) =>
        (await fetch(apps[at]?.url ?? '', { headers: { 'x-user': user } })).text()
      try {
        const first: string[] = []
        for (const user of ['ann', 'bob']) for (const at of [0, 1]) first.push(await ask(at, user))
        assert.equal(new Set(first).size, 4)
        await eventually('each node has its own at hand', async () => {
          const given = [await ask(0, 'ann'), await ask(1, 'ann')]
          return given.join() === first.slice(0, 2).join() || undefined
        })
        const cache = purging(framework.name, nodes[0] as Store)
        await cache.purge({ scope: 'ann' })
        assert.notEqual(await ask(0, 'ann'), first[0])
        await eventually('elsewhere as well', async () =>
          (await ask(1, 'ann')) === first[1] ? undefined : true,
        )
        assert.deepEqual([await ask(0, 'bob'), await ask(1, 'bob')], first.slice(2))
      } finally {
        await Promise.all(apps.map((app) => app.close()))
      }
    })
})
