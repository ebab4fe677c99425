import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { encrypted, type Memory, type Store } from '../../lib/index.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

const key = Buffer.alloc(32, 7)

/** All there is of a user, but for times. */
async function everything(memory: Memory): Promise<unknown> {
  const { items } = await memory.sessions.list({ limit: 100 })
  const sessions = await Promise.all(
    items.map(async ({ id, title, meta, pinned }) => {
      const session = memory.open(id)
      const said = (await session.history()).items.map((each) => [each.id, each.content])
      const { messages } = await session.context()
      const system = messages.find(({ role }) => role === 'system')?.content
      const state = await session.state.all()
      return { id: id.replace(/-.{8}$/, '-…'), title, meta, pinned, said, state, system }
    }),
  )
  return { sessions, preferences: await memory.preferences.all() }
}

const claim = (memory: Memory) => memory.sessions.claim()

for (const stores of testStores()) {
  describe(`claiming what a guest said, over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store, { serializer: encrypted([{ id: 'a', key }]) })
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    /** A guest with two sessions, state and preferences; gives the cookie. */
    async function guest(): Promise<string> {
      const { cookie } = await memories.as({ user: '' }, async (memory) => {
        const first = memory.open('first')
        await first.append([
          { id: 'g1', role: 'user', content: 'hello' },
          { id: 'g2', role: 'assistant', content: 'hi' },
        ])
        await first.set({ meta: { topic: 1 }, pinned: true, system: 'be brief' })
        await first.state.set({ step: 2 })
        await memory.append({ id: 'g1', role: 'user', content: 'by default' })
        await memory.open('bare').state.set({ only: 'state' })
        await memory.preferences.set({ theme: 'dark', language: 'fr' })
      })
      return cookie ?? assert.fail('no cookie')
    }

    const moved = {
      sessions: [
        {
          id: 'bare',
          title: undefined,
          meta: undefined,
          pinned: false,
          said: [],
          state: { only: 'state' },
          system: undefined,
        },
        {
          id: 'default',
          title: 'by default',
          meta: undefined,
          pinned: false,
          said: [['g1', 'by default']],
          state: {},
          system: undefined,
        },
        {
          id: 'first',
          title: 'hello',
          meta: { topic: 1 },
          pinned: true,
          said: [
            ['g1', 'hello'],
            ['g2', 'hi'],
          ],
          state: { step: 2 },
          system: 'be brief',
        },
      ],
      preferences: { theme: 'dark', language: 'fr' },
    }

    const sorted = (all: unknown) => {
      const { sessions, preferences } = all as { sessions: { id: string }[]; preferences: unknown }
      return { sessions: sessions.toSorted((a, b) => (a.id < b.id ? -1 : 1)), preferences }
    }

    it('moves sessions with all that hangs on them, once, and ends the guest', async () => {
      const cookie = await guest()
      const first = await memories.as({ cookie }, claim)
      assert.equal(first.result, 3)
      assert.match(first.cookie ?? '', /^memoryware\.guest=$/)
      assert.deepEqual(sorted(await memories.ann(everything)), moved)
      assert.equal((await memories.as({ cookie }, claim)).result, 0)
      assert.deepEqual(sorted(await memories.ann(everything)), moved)
      const left = await memories.as({ user: '', cookie }, everything)
      assert.deepEqual(left.result, { sessions: [], preferences: {} })
    })

    it('keeps nothing for the guest for a while after it', async () => {
      const cookie = await guest()
      await memories.as({ cookie }, claim)
      const late = memories.as({ user: '', cookie }, (memory) =>
        memory.append({ role: 'user', content: 'late' }),
      )
      await assert.rejects(late, { code: 'ERR_STORE', status: 409 })
    })

    it('makes a second session of one that both have, and lets the user’s preferences be', async () => {
      await memories.ann(async (memory) => {
        await memory.append({ id: 'g1', role: 'user', content: 'mine' })
        await memory.preferences.set({ theme: 'light' })
      })
      const cookie = await guest()
      await memories.as({ cookie }, claim)
      const all = sorted(await memories.ann(everything))
      const [, own, other] = all.sessions as { id: string; said: unknown }[]
      assert.deepEqual([own?.id, own?.said], ['default', [['g1', 'mine']]])
      assert.deepEqual([other?.id, other?.said], ['default-…', [['g1', 'by default']]])
      assert.deepEqual(all.preferences, { theme: 'light', language: 'fr' })
    })

    /** Claims, as another user each time; a claim that fails is followed by a second. */
    async function claimed(
      user: string,
      writes: number,
    ): Promise<[stopped: boolean, all: unknown]> {
      await memories.as({ user }, (memory) => memory.append({ role: 'user', content: 'mine' }))
      const cookie = await guest()
      const restore = failAfter(store, writes)
      const first = await Promise.allSettled([memories.as({ user, cookie }, claim)])
      restore()
      const stopped = first[0].status === 'rejected'
      if (stopped) await memories.as({ user, cookie }, claim)
      const { result } = await memories.as({ user }, everything)
      return [stopped, withoutMessageIds(sorted(result))]
    }

    it('comes to the same when it stopped halfway, at any write', async () => {
      const [, whole] = await claimed('whole', Number.POSITIVE_INFINITY)
      let stops = 0
      for (let stopped = true; stopped; stops += 1) {
        const user = `user${stops}`
        const [failed, all] = await claimed(user, stops)
        assert.deepEqual(all, whole, `stopped after ${stops} writes`)
        stopped = failed
      }
      assert.ok(stops > 10, String(stops))
    })

    it('comes to the same where two claim at once', async () => {
      const cookie = await guest()
      await Promise.all([1, 2, 3].map(() => memories.as({ cookie }, claim)))
      assert.deepEqual(sorted(await memories.ann(everything)), moved)
    })

    it('takes long sessions along, in order', async () => {
      const { cookie } = await memories.as({ user: '' }, async (memory) => {
        for (let piece = 0; piece < 5; piece += 1)
          await memory.append(
            Array.from({ length: 45 }, (_, n) => ({
              role: 'user' as const,
              content: `${piece * 45 + n} ${'x'.repeat(3000)}`,
            })),
          )
      })
      const before = await memories.as({ user: '', cookie }, (memory) => memory.info())
      await memories.as({ cookie }, claim)
      const said = await memories.ann(
        async (memory) => (await memory.history({ limit: 1000 })).items,
      )
      assert.equal(said.length, before.result?.messages)
      const numbers = said.map(({ content }) => Number.parseInt(String(content), 10))
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    })

    it('moves nothing without a guest, and refuses without a user', async () => {
      assert.equal((await memories.as({}, claim)).result, 0)
      const cookie = await guest()
      await assert.rejects(memories.as({ user: '', cookie }, claim), { code: 'ERR_USAGE' })
      const forged = 'memoryware.guest=../../../../../../etc'
      assert.equal((await memories.as({ cookie: forged }, claim)).result, 0)
    })
  })
}

function withoutMessageIds({ sessions, preferences }: ReturnType<typeof Object>): unknown {
  const strip = (session: { said: unknown[][] }) => ({
    ...session,
    said: session.said.map(([, content]) => content),
  })
  return { sessions: sessions.map(strip), preferences }
}

/** Lets so many writes through, and fails from then on, until it is restored. */
function failAfter(store: Store, writes: number): () => void {
  const { history, fields } = store
  const saved = { ...history, ...{ write: fields.write } }
  let left = writes
  const counted = <Args extends unknown[], T>(send: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      left -= 1
      if (left < 0) throw new Error('The process has crashed')
      return send(...args)
    }
  }
  Object.assign(history, {
    append: counted(saved.append),
    amend: counted(saved.amend),
    forget: counted(saved.forget),
  })
  Object.assign(fields, { write: counted(saved.write) })
  return () => {
    const { append, amend, forget, write } = saved
    Object.assign(history, { append, amend, forget })
    Object.assign(fields, { write })
  }
}
