import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { after, before, beforeEach, describe, it } from 'mocha'
import { createStore, encrypted, type Store } from '../../lib/index.ts'
import { listKey, ownerKeys, sessionKeys, stateKey, turnKey } from '../../lib/keys.ts'
import { frameworks } from '../support/apps.ts'
import { serveChat } from '../support/chat-app.ts'
import { eventually } from '../support/eventually.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const old = { id: '2026-01', key: randomBytes(32) }
const current = { id: '2026-02', key: randomBytes(32) }
const corrupt = { code: 'ERR_STORE', reason: 'corrupt' }
const canary = 'canary-of-the-mine'
const ann = sessionKeys('ann', 'default')

describe('threat: history that is read or changed where it is kept', () => {
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

  /** All bytes that Redis has, key by key: names, fields, members and values. */
  async function everything(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    for (const key of await redis.keys('*')) found.set(key, await textOf(redis, key))
    return found
  }

  const holds = (all: ReadonlyMap<string, string>, word: string) =>
    [...all].filter(([key, text]) => `${key} ${text}`.includes(word)).map(([key]) => key)

  /** A conversation with everything that one can have, each word of it secret. */
  async function converse(options: object): Promise<void> {
    const summarize = () => `summary ${canary}`
    const memories = await serveMemories(store, {
      ...{ summarize, context: { messages: 2 } },
      ...options,
    })
    await memories.ann(async (memory) => {
      for (let n = 0; n < 4; n += 1)
        await memory.append([
          { id: `q${n}`, role: 'user', content: `question ${canary}` },
          { role: 'assistant', content: [{ type: 'text', text: `answer ${canary}` }] },
        ])
      await memory.set({ title: `${canary} title`, meta: { [canary]: canary } })
      await memory.set({ system: `system ${canary}` })
      await memory.state.set({ plan: canary, steps: [{ [canary]: canary }] })
      await memory.preferences.set({ tone: canary })
      const turn = await memory.turn({ id: 'ended', role: 'user', content: `and ${canary}?` })
      turn.write(`piece ${canary}`)
      await turn.commit()
      const other = memory.open('running')
      const running = await other.turn({ id: 'running', role: 'user', content: canary })
      running.write(`piece ${canary}`)
      await eventually(
        'its piece is kept',
        async () =>
          (await redis.exists(turnKey(sessionKeys('ann', 'running'), 'running'))) || undefined,
      )
      await memory.fork('q1')
      await eventually(
        'a summary',
        async () => (await redis.hexists(ann.session, 'summary')) || undefined,
      )
      await running.abort()
    })
    await memories.close()
  }

  it('encrypted: no key, field or value holds a word of it', async () => {
    await converse({ serializer: encrypted([current]) })
    const all = await everything()
    const kinds = [
      ann.session,
      listKey(ann),
      stateKey(ann),
      ann.index,
      ownerKeys('ann').preferences,
    ]
    for (const key of [...kinds, turnKey(ann, 'ended')]) assert.ok(all.has(key), key)
    assert.deepEqual(holds(all, canary), [])
    for (const form of ['base64', 'base64url', 'hex'] as const)
      assert.deepEqual(holds(all, Buffer.from(canary).toString(form)), [], form)
  })

  it('encrypted: ids, names of values, roles, counts, times and the id of the key stay readable', async () => {
    await converse({ serializer: encrypted([current]) })
    const all = await everything()
    const record = await redis.hgetall(ann.session)
    for (const field of ['rev', 'seq', 'len', 'tokens', 'created', 'updated'])
      assert.match(record[field] ?? '', /^\d+$/, field)
    assert.match(record['ended'] ?? '', /^ended \S+ \S+ ended \d+$/)
    const [line = ''] = await redis.lrange(listKey(ann), 0, 0)
    assert.match(line, /^1\|q0\|u\|\d+\|\p{Cc}\p{Cc}2026-02/u)
    assert.deepEqual((await redis.hkeys(stateKey(ann))).sort(), ['plan', 'steps'])
    assert.deepEqual(await redis.hkeys(ownerKeys('ann').preferences), ['tone'])
    assert.ok([...all.keys()].every((key) => key.includes('ann')))
  })

  it('not encrypted: each kind of value holds it, so that the check bites', async () => {
    await converse({})
    const found = holds(await everything(), canary)
    const turn = turnKey(ann, 'ended')
    for (const key of [
      ann.session,
      listKey(ann),
      stateKey(ann),
      ownerKeys('ann').preferences,
      turn,
    ])
      assert.ok(found.includes(key), key)
    const record = await redis.hgetall(ann.session)
    for (const field of ['title', 'meta', 'system', 'summary'])
      assert.ok(record[field]?.includes(canary), field)
  })

  it('not covered, as the page says: cached results and values of the store have a serializer of their own', async () => {
    await store.set('note', canary)
    assert.deepEqual(holds(await everything(), canary), ['note'])
    const sealed = createStore({ url: server.url, serializer: encrypted([current]) })
    await sealed.set('note', canary)
    assert.deepEqual(holds(await everything(), canary), [])
    await sealed.close()
  })

  /** What ann and bob have said, under the same ids, and one place to change. */
  async function spoil(
    change: (payload: Buffer, elsewhere: { message: Buffer; user: Buffer }) => Buffer,
    reader = encrypted([current]),
  ): Promise<Memories> {
    const memories = await serveMemories(store, { serializer: encrypted([current]) })
    for (const user of ['ann', 'bob'])
      await memories.as({ user }, async (memory) => {
        for (const id of ['m1', 'm2']) await memory.append({ id, role: 'user', content: canary })
      })
    await memories.close()
    const [first, second] = await redis.lrangeBuffer(listKey(ann), 0, -1)
    const [other] = await redis.lrangeBuffer(listKey(sessionKeys('bob', 'default')), 0, -1)
    const elsewhere = { message: payloadOf(second), user: payloadOf(other) }
    const head = first?.subarray(0, first.length - payloadOf(first).length) ?? Buffer.alloc(0)
    const changed = Buffer.concat([head, change(payloadOf(first), elsewhere)])
    await redis.lset(listKey(ann), 0, changed)
    return serveMemories(store, { serializer: reader })
  }

  const changes: Readonly<Record<string, Parameters<typeof spoil>>> = {
    'the bytes of another message': [(_, { message }) => message],
    'the bytes of another user': [(_, { user }) => user],
    'bytes that end early': [(payload) => payload.subarray(0, -1)],
    'no bytes': [() => Buffer.alloc(0)],
    'another nonce': [(payload) => flipped(payload, 2 + current.id.length)],
    'another letter': [(payload) => flipped(payload, 2 + current.id.length + 12)],
    'another tag': [(payload) => flipped(payload, payload.length - 1)],
    'another version': [(payload) => flipped(payload, 0)],
    'the id of another key': [(payload) => flipped(payload, 2), encrypted([current, old])],
    'plain JSON': [() => Buffer.from('{"content":"approved"}')],
    'what a key encrypted that is no longer given': [(payload) => payload, encrypted([old])],
  }
  for (const [what, [change, reader]] of Object.entries(changes))
    it(`refused as corrupt: ${what}`, async () => {
      const memories = await spoil(change, reader)
      try {
        await memories.ann(async (memory) => {
          const errors = [memory.history(), memory.context()].map((task) =>
            assert.rejects(task, (error: Error) => {
              assert.ok(!JSON.stringify(error).includes(canary))
              return Object.entries(corrupt).every(
                ([name, value]) => value === Reflect.get(error, name),
              )
            }),
          )
          await Promise.all(errors)
        })
      } finally {
        await memories.close()
      }
    })

  it('read with an old key, and written with the new one, while both are given', async () => {
    const before = await serveMemories(store, { serializer: encrypted([old]) })
    await before.ann((memory) => memory.append({ id: 'm1', role: 'user', content: 'old' }))
    await before.close()
    const both = await serveMemories(store, { serializer: encrypted([current, old]) })
    await both.ann(async (memory) => {
      await memory.append({ id: 'm2', role: 'user', content: 'new' })
      assert.deepEqual(
        (await memory.history()).items.map(({ content }) => content),
        ['old', 'new'],
      )
    })
    await both.close()
    const lines = await redis.lrangeBuffer(listKey(ann), 0, -1)
    assert.deepEqual(
      lines.map((line) => payloadOf(line).toString('latin1', 2, 9)),
      [old.id, current.id],
    )
  })

  for (const framework of frameworks)
    it(`an answer as it is streamed by ${framework.name} leaves no word of it`, async () => {
      const serializer = encrypted([current])
      const app = await serveChat(framework, store, (_, asked) => ['You said ', asked], {
        serializer,
      })
      assert.match(
        await (await app.ask(canary, { id: 'q1', as: 'text' })).text(),
        /You said canary/,
      )
      assert.equal((await app.history()).length, 2)
      await app.close()
      assert.deepEqual(holds(await everything(), canary), [])
      assert.deepEqual(holds(await everything(), 'You said'), [])
    })
})

function payloadOf(line: Buffer | undefined): Buffer {
  let at = -1
  for (let bars = 0; bars < 4; bars += 1) at = line?.indexOf('|', at + 1) ?? -1
  return line?.subarray(at + 1) ?? Buffer.alloc(0)
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

async function textOf(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? ''
    case 'hash':
      return JSON.stringify(await redis.hgetall(key))
    case 'list':
      return (await redis.lrange(key, 0, -1)).join('\n')
    case 'zset':
      return (await redis.zrange(key, '0', '-1')).join('\n')
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'))
    default:
      throw new Error(`${key} is of a type that is not looked at`)
  }
}
