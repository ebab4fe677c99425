import assert from 'node:assert/strict'
import { resultsOf } from '../../lib/cache/results.ts'
import { openShelf } from '../../lib/cache/shelf.ts'
import {
  createStore,
  encrypted,
  json,
  type Memory,
  MemorywareError,
  type Serializer,
  type Store,
} from '../../lib/index.ts'
import { cacheKey } from '../../lib/keys.ts'
import type { Charge } from '../../lib/ports/budgets.ts'
import { frameworks } from './apps.ts'
import { eventually } from './eventually.ts'
import { serveMemories } from './memories.ts'
import type { TestServer } from './redis.ts'

/** What is read, and whether what came of it is right. */
interface Read {
  readonly name: string
  /** Which keys it looks at. */
  readonly of: RegExp
  readonly run: (memory: Memory) => Promise<unknown>
  /** Throws where a wrong value was given as if it were right. */
  readonly right: (value: unknown) => void
}

/** A store that holds something of every kind, and all ways to read it. */
export interface Scene {
  /** Runs what looks at this key: each gives what is right, a typed error, or counts as absent. */
  read(key: string): Promise<Outcomes>
  close(): Promise<void>
}

/** How often something was right or absent, and how often refused. */
interface Outcomes {
  readonly given: number
  readonly refused: number
}

const hungMs = 3000
const minute = { algorithm: 'sliding', limit: 10, windowMs: 60_000, cost: 1 } as const
const charges: readonly Charge[] = [
  { ...minute, key: 'limit:{user~ann}:few:w60000' },
  { ...minute, key: 'limit:{user~ann}:many:w60000', limit: 100, cost: 40 },
  { ...minute, key: 'limit:{user~ann}:fixed:f60000', algorithm: 'fixed' },
  { ...minute, key: 'limit:{user~ann}:gcra:g60000', algorithm: 'gcra' },
  { ...minute, key: 'limit:{user~ann}:slots:c60000', algorithm: 'concurrency', lease: 'one' },
].map((charge) => ({
  ...charge,
  block: { key: charge.key.replace(/:[a-z]\d+$/, ':block'), after: 1, forMs: 60_000 },
})) as Charge[]

const page = 'a page of text '.repeat(20)
const result = { found: ['a', 'b'], score: 0.5 }
const resultKey = cacheKey(['cached', 'search', '[]'])
const place = { key: cacheKey(['made just now']), variant: '' }
const values = {
  title: 'the title',
  meta: { topic: 'birds' },
  summary: 'what was said before',
  state: { plan: ['a', 'b'], step: 2, 'größe: *': 'x'.repeat(50) },
  preferences: { tone: 'dry', length: 3 },
}

/** Fills a database. `sealed`: what conversations hold is encrypted, so that any change is noticed. */
export async function openScene(
  server: TestServer,
  { sealed }: { sealed: boolean },
): Promise<Scene> {
  const store = createStore({ url: server.url, deadline: '1s' })
  const key = { id: 'a', key: Buffer.alloc(32, 1) }
  const serializer: Serializer = sealed ? encrypted([key]) : json
  const options = { serializer, summarize: () => values.summary, context: { messages: 4 } }
  const memories = await serveMemories(store, options)
  const cache = { store, ttl: 60, l1: false, tags: () => ['tag'] } as const
  const memory = { store, serializer }
  const site = await frameworks[0]?.serve({ cache, memory, routes: 'behind' }, ({ set, send }) => {
    set('content-type', 'text/plain')
    send(200, page)
  })
  assert.ok(site)
  const said = await fillMemory(memories.ann, server)
  await fillRest(store, site.url)
  const exact = sealed ? exactly : loosely
  const stream = streamRead(`${site.url}/chats/default/stream?as=text`, exact)
  const reads = [stream, ...conversationReads(said, exact), ...otherReads(store, site.url)]

  return {
    async read(of) {
      const outcomes = { given: 0, refused: 0 }
      await memories.ann(async (memory) => {
        for (const each of reads) if (each.of.test(of)) outcomes[await outcomeOf(each, memory)] += 1
      })
      return outcomes
    },
    async close() {
      await site.close()
      await memories.close()
      await store.close()
    },
  }
}

async function outcomeOf({ name, run, right }: Read, memory: Memory): Promise<keyof Outcomes> {
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} hangs`)), hungMs)
  })
  try {
    right(await Promise.race([run(memory), hung]))
    return 'given'
  } catch (error) {
    if (error instanceof MemorywareError && allowed.test(`${error.code} ${statusOf(error)}`))
      return 'refused'
    throw new Error(`${name} came to what it must not`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

// What is not there any more is 404; a session that seems to be answered is busy.
const allowed = /^(ERR_STORE \d+|ERR_REQUEST (404|409)|ERR_BUSY 409)$/

function statusOf(error: MemorywareError): unknown {
  return (error as { status?: unknown }).status
}

async function fillMemory(
  ann: <T>(task: (memory: Memory) => Promise<T>) => Promise<T>,
  server: TestServer,
): Promise<ReadonlyMap<string, string>> {
  return ann(async (memory) => {
    await memory.set({ title: values.title, meta: values.meta, system: 'be brief' })
    for (let n = 0; n < 4; n += 1)
      await memory.append([
        { id: `q${n}`, role: 'user', content: `question ${n}` },
        { id: `a${n}`, role: 'assistant', content: [{ type: 'text', text: `answer ${n}` }] },
      ])
    await memory.append({ id: 'f0d1a6f4-8a4e-4c1c-9d53-111111111111', role: 'user', content: 'ü' })
    await memory.append({ id: 'fünf: 5', role: 'user', content: 'ü' })
    await memory.state.set(values.state)
    await memory.preferences.set(values.preferences)
    await memory.open('other').append({ id: 'o1', role: 'user', content: 'elsewhere' })
    const turn = await memory.turn({ id: 'turn', role: 'user', content: 'and now?' })
    for (const piece of ['well, ', 'then ', 'so']) turn.write(piece)
    await turn.commit()
    const { items } = await memory.history({ limit: 100 })
    const redis = server.client()
    await eventually('a summary', async () => {
      const found = await redis.hexists('session:{ann}:default', 'summary')
      return found === 1 || undefined
    })
    redis.disconnect()
    return new Map(items.map(({ role: _, ...message }) => [message.id, JSON.stringify(message)]))
  })
}

async function fillRest(store: Store, url: string): Promise<void> {
  await store.budgets.charge(charges)
  await store.budgets.block([charges[0]?.block?.key ?? ''], 60_000)
  await (await fetch(url)).text()
  await shelfOf(store).keep(resultKey, {
    ...{ body: Buffer.from(JSON.stringify(result)), marks: ['t:tag'], since: 1e15 },
    ...{ began: performance.now(), token: undefined },
  })
  await store.purge({ tags: ['another'] })
  const claim = { token: 'tok', runner: 'cache:fills:x', leaseMs: 60_000 }
  await store.fills.claim(place, claim)
  await store.fills.write(place, 'tok', { last: 1, bytes: Buffer.from('piece') }, 60_000)
  await store.mset({ 'value:object': { a: [1, 2] }, 'value:text': 'some text' })
  await store.incr('value:count', 7)
}

function shelfOf(store: Store) {
  const form = { serializer: json, ttlMs: 60_000, swrMs: 0, sieMs: 0, marks: ['t:tag'] }
  return resultsOf(store, openShelf(store, undefined), form)
}

type Exact = (name: string, value: unknown, expected: unknown) => void

function exactly(name: string, value: unknown, expected: unknown): void {
  assert.deepEqual(value, expected, name)
}

/** Plain JSON holds nothing that tells of a changed letter: only that it is of the same kind. */
function loosely(name: string, value: unknown, expected: unknown): void {
  if (name === 'title' || name === 'summary') assert.equal(typeof value, typeof expected, name)
}

function conversationReads(said: ReadonlyMap<string, string>, exact: Exact): readonly Read[] {
  const of = /\{ann\}/
  const all = (messages: readonly { readonly id: string; readonly role?: string }[]) => {
    for (const { role, ...message } of messages) {
      assert.match(String(role), /^(system|developer|user|assistant|tool)$/)
      exact('message', JSON.stringify(message), said.get(message.id) ?? JSON.stringify(message))
      if (exact === exactly) assert.ok(said.has(message.id) || role === 'system', message.id)
    }
  }
  const run = (messages: Parameters<typeof all>[0]) => {
    all(messages)
    if (exact !== exactly) return
    // None is missing between others, and none stands elsewhere.
    const ids = messages.map(({ id }) => id)
    assert.ok([...said.keys()].join().includes(ids.join()), ids.join())
  }
  const named = (given: object, expected: object) => {
    for (const [name, value] of Object.entries(given))
      exact(name, value, (expected as Record<string, unknown>)[name])
  }
  const info = (found: Awaited<ReturnType<Memory['info']>>) => {
    if (found === undefined) return
    const { messages, tokens, createdAt, updatedAt, rev } = found
    for (const number of [messages, tokens, createdAt, updatedAt, rev])
      assert.ok(Number.isSafeInteger(number) && number >= 0, `${number}`)
    if (found.title !== undefined && found.id === 'default' && found.title !== 'elsewhere')
      exact('title', found.title, values.title)
    if (found.meta !== undefined) exact('meta', found.meta, values.meta)
  }
  const read = <T>(
    name: string,
    run: (memory: Memory) => Promise<T>,
    right: (v: T) => void,
  ): Read => ({
    ...{ name, of, run },
    right: (value) => right(value as T),
  })
  return [
    read(
      'history',
      (memory) => memory.history({ limit: 100 }),
      ({ items }) => run(items),
    ),
    read(
      'a page',
      (memory) => memory.history({ limit: 3, before: 6 }),
      ({ items }) => run(items),
    ),
    read(
      'context',
      (memory) => memory.context(),
      (context) => {
        all(context.messages.filter(({ role }) => role !== 'system') as never)
      },
    ),
    read('info', (memory) => memory.info(), info),
    read(
      'list',
      (memory) => memory.sessions.list(),
      ({ items }) => items.forEach(info),
    ),
    read(
      'search',
      (memory) => memory.sessions.list({ q: 'title' }),
      ({ items }) => items.forEach(info),
    ),
    read(
      'state',
      (memory) => memory.state.all(),
      (given) => named(given, values.state),
    ),
    read(
      'a state',
      (memory) => memory.state.get('plan'),
      (plan) => {
        if (plan !== undefined) exact('plan', plan, values.state.plan)
      },
    ),
    read(
      'preferences',
      (memory) => memory.preferences.all(),
      (given) => named(given, values.preferences),
    ),
    read(
      'export',
      (memory) => lines(memory.export()),
      () => {},
    ),
    read(
      'export of all',
      (memory) => lines(memory.sessions.export()),
      () => {},
    ),
    read('turn asked again', answerAgain, (text) => {
      if (exact === exactly && text !== undefined) assert.equal(text, 'well, then so')
    }),
    read(
      'stop',
      (memory) => memory.stop(),
      () => {},
    ),
    // Writes that meet the damage: they may be refused, and what is read after them is right.
    read(
      'append',
      (memory) => memory.append({ id: 'q1', role: 'user', content: 'again' }),
      () => {},
    ),
    read(
      'set',
      (memory) => memory.set({ pinned: true }),
      () => {},
    ),
    read(
      'increment',
      (memory) => memory.preferences.increment('count'),
      () => {},
    ),
    read(
      'update',
      (memory) => memory.update('q2', { role: 'user', content: 'question 2', createdAt: 1 }),
      () => {},
    ),
    read(
      'fork',
      (memory) => memory.fork('a1'),
      () => {},
    ),
    read(
      'rewind',
      (memory) => memory.rewind('q3'),
      () => {},
    ),
    read(
      'history after writes',
      (memory) => memory.history({ limit: 100 }),
      ({ items }) => {
        for (const { role } of items) assert.ok(role)
      },
    ),
    read(
      'forget',
      (memory) => memory.sessions.forget(),
      (count) => assert.ok(count >= 0),
    ),
  ]
}

async function answerAgain(memory: Memory): Promise<string | undefined> {
  const turn = await memory.turn({ id: 'turn', role: 'user', content: 'and now?' })
  if (turn.replay) return String(turn.replay.content)
  if (!turn.joined) await turn.abort()
  return undefined
}

/** Follows the answer from its first piece on, as a client does that has lost it. */
function streamRead(url: string, exact: Exact): Read {
  return {
    ...{ name: 'stream', of: /\{ann\}/ },
    run: async () => {
      const answer = await fetch(url, { headers: { 'x-user': 'ann', 'last-event-id': 'turn:1' } })
      // What is found out on the way breaks off.
      const text = await answer.text().catch(() => undefined)
      return [answer.status, text]
    },
    right: (found) => {
      const [status, text] = found as [number, string | undefined]
      assert.ok([200, 204, 404, 409, 503].includes(status), `${status}: ${text}`)
      if (status === 200 && text !== undefined)
        exact('stream', 'well, then so'.endsWith(text), true)
    },
  }
}

async function lines(all: AsyncIterable<string>): Promise<void> {
  for await (const line of all) JSON.parse(line)
}

function otherReads(store: Store, url: string): readonly Read[] {
  const sound = (budgets: unknown) => {
    for (const { used, remaining, resetMs, retryMs, blockedMs } of budgets as never[])
      for (const number of [used, remaining, resetMs, retryMs, blockedMs])
        assert.ok(number >= 0 && (number === Infinity || Number.isSafeInteger(number)), `${number}`)
  }
  const settlements = charges.map((charge) => ({ ...charge, mark: 1, charged: 1, cost: 2 }))
  const value = (key: string, expected: unknown): Read => ({
    ...{ name: key, of: /^value:/, run: () => store.get(key) },
    // JSON tells of no changed letter.
    right: (found) => {
      if (found !== undefined) assert.notEqual(typeof found, 'undefined', String(expected))
    },
  })
  return [
    { name: 'peek', of: /^limit:/, run: () => store.budgets.peek(charges), right: sound },
    { name: 'charge', of: /^limit:/, run: () => store.budgets.charge(charges), right: sound },
    { name: 'settle', of: /^limit:/, run: () => store.budgets.settle(settlements), right: sound },
    {
      ...{ name: 'cached page', of: /^cache:/ },
      run: async () => {
        const answer = await fetch(url)
        return [answer.status, answer.headers.get('content-type'), await answer.text()]
      },
      right: (found) => assert.deepEqual(found, [200, 'text/plain; charset=utf-8', page]),
    },
    {
      ...{ name: 'cached result', of: /^cache:/, run: () => shelfOf(store).find(resultKey) },
      right: (found) => {
        const { result: kept } = found as { result?: { value: unknown } }
        if (kept !== undefined) assert.deepEqual(kept.value, result)
      },
    },
    {
      ...{ name: 'purges', of: /^cache:/ },
      run: () => store.entries.purges(['t:tag', 't:another']),
      right: (found) => {
        for (const { hard, soft } of found as { hard: number; soft: number }[])
          assert.ok(Number.isSafeInteger(hard) && Number.isSafeInteger(soft))
      },
    },
    {
      ...{ name: 'fill', of: /^cache:/, run: () => store.fills.look(place, 'tok', 0) },
      right: (view) => assert.match((view as { state: string }).state, /^\w+$/),
    },
    {
      ...{ name: 'claim', of: /^cache:/ },
      run: () => store.fills.claim(place, { token: 'b', runner: 'x', leaseMs: 1000 }),
      right: (claimed) =>
        assert.match((claimed as { kind: string }).kind, /^(leading|held|alone)$/),
    },
    {
      ...{ name: 'purge', of: /^cache:/, run: () => store.purge({ tags: ['another'] }) },
      right() {},
    },
    value('value:object', { a: [1, 2] }),
    value('value:text', 'some text'),
    {
      ...{ name: 'mget', of: /^value:/, run: () => store.mget(['value:object', 'value:count']) },
      right() {},
    },
    {
      ...{ name: 'incr', of: /^value:/, run: () => store.incr('value:count') },
      right: (sum) => assert.ok(Number.isSafeInteger(sum)),
    },
  ]
}
