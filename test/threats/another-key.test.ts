import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { after, before, beforeEach, describe, it } from 'mocha'
import { cached, createStore, encrypted, json, type Memory, type Store } from '../../lib/index.ts'
import { listKey, ownerKeys, sessionKeys, stateKey, turnKey } from '../../lib/keys.ts'
import { readResult, readSteps } from '../../lib/providers/redis/session-write.ts'
import { frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const corrupt = { code: 'ERR_STORE', reason: 'corrupt', status: 503 }
const [ann, bob] = [sessionKeys('ann', 'default'), sessionKeys('bob', 'default')]
const sealed = encrypted([{ id: 'a', key: randomBytes(32) }])

describe('threat: a valid reply that belongs to another user or another key', () => {
  let server: TestServer
  let redis: Redis
  let store: Store
  before(async () => {
    server = await startRedis()
    redis = server.client()
    store = createStore({ url: server.url, deadline: '1s' })
  })
  beforeEach(() => redis.flushall())
  after(async () => {
    await store.close()
    await server.stop()
  })

  async function exchange(one: string, other: string): Promise<void> {
    await redis.rename(one, 'between')
    await redis.rename(other, one)
    await redis.rename('between', other)
  }

  /** Two users with the same ids of everything, and words of their own. */
  async function fill(memories: Memories): Promise<void> {
    for (const user of ['ann', 'bob'])
      await memories.as({ user }, async (memory) => {
        await memory.append({ id: 'm1', role: 'user', content: `word of ${user}` })
        await memory.set({ title: `title of ${user}`, meta: { of: user } })
        await memory.state.set({ of: user })
        await memory.preferences.set({ of: user })
        const turn = await memory.turn({ id: 'q1', role: 'user', content: 'and?' })
        turn.write(`answer to ${user}`)
        await turn.commit()
      })
  }

  async function lines(all: AsyncIterable<string>): Promise<string> {
    let text = ''
    for await (const line of all) text += line
    return text
  }

  const onMessages: Readonly<Record<string, (memory: Memory) => Promise<unknown>>> = {
    history: (memory) => memory.history(),
    'a page': (memory) => memory.history({ before: 2 }),
    context: (memory) => memory.context(),
    export: (memory) => lines(memory.export()),
    'export of all': (memory) => lines(memory.sessions.export()),
  }
  const onSession: Readonly<Record<string, (memory: Memory) => Promise<unknown>>> = {
    ...onMessages,
    info: (memory) => memory.info(),
    'the list with its titles': (memory) => memory.sessions.list(),
    'a search of titles': (memory) => memory.sessions.list({ q: 'title' }),
    'all of the state': (memory) => memory.state.all(),
    'one of the state': (memory) => memory.state.get('of'),
    append: (memory) => memory.append({ id: 'm2', role: 'user', content: 'x' }),
    set: (memory) => memory.set({ pinned: true }),
    update: (memory) => memory.update('m1', { role: 'user', content: 'x' }),
    rewind: (memory) => memory.rewind('m1'),
    fork: (memory) => memory.fork(),
    'a change of the state': (memory) => memory.state.set({ of: 'x' }),
    turn: (memory) => memory.turn({ id: 'q2', role: 'user', content: 'x' }),
    stop: (memory) => memory.stop(),
  }

  async function refusedTo(
    memories: Memories,
    tasks: Readonly<Record<string, (memory: Memory) => Promise<unknown>>>,
  ): Promise<void> {
    for (const user of ['ann', 'bob'])
      for (const [name, task] of Object.entries(tasks))
        await memories.as({ user }, (memory) => assert.rejects(task(memory), corrupt, name))
  }

  it('the record of a session: every way to read or to write it is refused', async () => {
    const memories = await serveMemories(store, { turns: 'reject' })
    try {
      await fill(memories)
      await exchange(ann.session, bob.session)
      const before = await redis.dumpBuffer(bob.session)
      await refusedTo(memories, onSession)
      assert.deepEqual(await redis.dumpBuffer(bob.session), before)
    } finally {
      await memories.close()
    }
  })

  it('the record of a session under a prefix is known by it as well', async () => {
    const other = createStore({ url: server.url, deadline: '1s', prefix: 'session:app:' })
    const memories = await serveMemories(other)
    try {
      await fill(memories)
      await memories.ann(async (memory) => {
        assert.equal((await memory.sessions.list()).items[0]?.title, 'title of ann')
      })
      const [one, two] = [ann, bob].map(({ session }) => `session:app:${session}`)
      await exchange(one as string, two as string)
      await memories.ann((memory) => assert.rejects(memory.sessions.list(), corrupt))
    } finally {
      await memories.close()
      await other.close()
    }
  })

  it('replies that have moved by one, as on a connection that lost count, are refused', async () => {
    const memories = await serveMemories(store)
    await fill(memories)
    await memories.close()
    const steps = [...readSteps(ann, [-10, -1]), ...readSteps(bob, [-10, -1])]
    const settled = await redis.pipeline(steps.map((step) => [...step])).exec()
    const replies = (settled ?? []).map(([, reply]) => reply)
    assert.equal(readResult(replies.slice(0, 2), ann).entries.length, 3)
    for (const [at, keys] of [
      [1, ann],
      [2, ann],
      [0, bob],
      [1, bob],
    ] as const)
      assert.throws(() => {
        const { meta } = readResult(replies.slice(at, at + 2), keys)
        // What is no record at all is no session.
        if (meta === undefined) throw Object.assign(new Error('absent'), corrupt)
      }, corrupt)
  })

  for (const [kind, keys, tasks] of [
    ['messages', [listKey(ann), listKey(bob)], onMessages],
    [
      'state',
      [stateKey(ann), stateKey(bob)],
      {
        all: (memory: Memory) => memory.state.all(),
        one: (memory: Memory) => memory.state.get('of'),
      },
    ],
    [
      'preferences',
      [ownerKeys('ann').preferences, ownerKeys('bob').preferences],
      { all: (memory: Memory) => memory.preferences.all() },
    ],
  ] as const)
    it(`${kind}, where they are encrypted`, async () => {
      const memories = await serveMemories(store, { serializer: sealed })
      try {
        await fill(memories)
        await exchange(keys[0], keys[1])
        await refusedTo(memories, tasks)
      } finally {
        await memories.close()
      }
    })

  it('titles and other parts of a record, where they are encrypted', async () => {
    const memories = await serveMemories(store, { serializer: sealed })
    try {
      for (const field of ['title', 'meta']) {
        await redis.flushall()
        await fill(memories)
        const stolen = await redis.hgetBuffer(bob.session, field)
        await redis.hset(ann.session, field, stolen ?? '')
        await memories.ann(async (memory) => {
          await assert.rejects(memory.info(), corrupt)
          await assert.rejects(memory.sessions.list(), corrupt)
        })
      }
    } finally {
      await memories.close()
    }
  })

  for (const framework of frameworks)
    it(`pieces of an answer, where they are encrypted, on ${framework.name}`, async () => {
      const memories = await serveMemories(store, { serializer: sealed })
      const memory = { store, serializer: sealed }
      const app = await framework.serve({ memory, routes: 'behind' }, ({ send }) => send(404, ''))
      try {
        await fill(memories)
        const follow = () =>
          fetch(`${app.url}/chats/default/stream?as=text`, {
            headers: { 'x-user': 'ann', 'last-event-id': 'q1:1' },
          })
        assert.equal(await (await follow()).text(), 'answer to ann')
        await exchange(turnKey(ann, 'q1'), turnKey(bob, 'q1'))
        const answer = await follow()
        // As if there were no pieces.
        assert.deepEqual([answer.status, await answer.text()], [204, ''])
      } finally {
        await app.close()
        await memories.close()
      }
    })

  for (const framework of frameworks)
    it(`cached responses of two users count as absent, on ${framework.name}`, async () => {
      let runs = 0
      const cache = { store, ttl: 60, l1: false, scope: 'user' } as const
      const app = await framework.serve({ cache }, ({ header, send }) => {
        runs += 1
        send(200, `page of ${header('x-user')}`)
      })
      const get = async (user: string) =>
        (await fetch(app.url, { headers: { 'x-user': user } })).text()
      try {
        for (const user of ['ann', 'bob', 'ann', 'bob'])
          assert.equal(await get(user), `page of ${user}`)
        assert.equal(runs, 2)
        const keys = (await redis.keys('cache:{*}')).sort()
        assert.equal(keys.length, 2)
        await exchange(keys[0] as string, keys[1] as string)
        for (const user of ['ann', 'bob']) assert.equal(await get(user), `page of ${user}`)
        assert.equal(runs, 4)
      } finally {
        await app.close()
      }
    })

  it('results of a function count as absent', async () => {
    const title = async (id: string) => `title of ${id}`
    const open = () => createStore({ url: server.url, deadline: '1s' })
    const [first, second] = [open(), open()]
    try {
      const one = cached(title, { store: first, name: 'title', ttl: '1m' })
      for (const id of ['ann', 'bob']) await one(id)
      // A result is given before it is kept.
      const keys = await eventually('both are kept', async () => {
        const found = await redis.keys('cache:{*}')
        return found.length === 2 ? found : undefined
      })
      await exchange(keys[0] as string, keys[1] as string)
      const two = cached(title, { store: second, name: 'title', ttl: '1m' })
      for (const id of ['ann', 'bob']) {
        const { value, status } = await two.withStatus(id)
        assert.deepEqual([value, status], [`title of ${id}`, 'miss'])
      }
    } finally {
      await first.close()
      await second.close()
    }
  })

  it('a list of messages alone, as others keep it, is taken for right: the check bites', async () => {
    const key = (user: string) => `history:${user}:default`
    for (const user of ['ann', 'bob']) {
      const message = json.encode({ role: 'user', content: `word of ${user}` })
      await redis.rpush(key(user), Buffer.from(message))
    }
    await exchange(key('ann'), key('bob'))
    const [line] = await redis.lrangeBuffer(key('ann'), 0, -1)
    assert.deepEqual(json.decode(line as Buffer), { role: 'user', content: 'word of bob' })
  })
})
