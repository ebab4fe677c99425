import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Memory, Store } from '../../lib/index.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  describe(`the sessions of a user over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store)
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    /** Sessions s0, s1, … with titles; the last is the last active. */
    async function fill(count: number, title: (n: number) => string): Promise<void> {
      await memories.ann(async (memory) => {
        for (let n = 0; n < count; n += 1) await memory.open(`s${n}`).set({ title: title(n) })
      })
    }

    const titles = async (memory: Memory, q: string, limit: number) => {
      const pages: (string | undefined)[][] = []
      let before: string | undefined
      do {
        const page = await memory.sessions.list({ q, limit, ...(before ? { before } : {}) })
        pages.push(page.items.map(({ title }) => title))
        before = page.next
      } while (before !== undefined)
      return pages
    }

    it('are found by their titles, in letters of any case, page by page', async () => {
      await fill(250, (n) => (n % 50 === 0 ? `Über MÄNNER ${n}` : `other ${n}`))
      const pages = await memories.ann((memory) => titles(memory, ' über  männer', 2))
      assert.deepEqual(
        pages.flat().toSorted(),
        [0, 100, 150, 200, 50].map((n) => `Über MÄNNER ${n}`),
      )
      assert.ok(pages.every((page) => page.length <= 2))
      assert.deepEqual((await memories.ann((memory) => titles(memory, 'nowhere', 2))).flat(), [])
    })

    it('are looked at a thousand at a call, and further by the next', async () => {
      await fill(1050, (n) => (n === 0 ? 'needle' : 'hay'))
      const pages = await memories.ann((memory) => titles(memory, 'needle', 10))
      assert.deepEqual(pages, [[], ['needle']])
    }).timeout(30_000)

    it('refuse a query that is no text, or too long', async () => {
      for (const q of ['x'.repeat(201), 7 as never])
        await assert.rejects(
          memories.ann((memory) => memory.sessions.list({ q })),
          { status: 400 },
        )
    })

    it('come out as lines of JSON, each before its messages', async () => {
      await memories.ann(async (memory) => {
        for (const id of ['one', 'two']) {
          const messages = Array.from({ length: 120 }, (_, n) => ({
            id: `${id}${n}`,
            role: 'user' as const,
            content: `line\n${n}`,
            type: 'odd',
          }))
          await memory.open(id).append(messages)
        }
        await memory.open('empty').set({ title: 'nothing said' })
      })
      const [all, one, none] = await memories.ann(async (memory) => [
        await lines(memory.sessions.export()),
        await lines(memory.open('one').export()),
        await lines(memory.open('unknown').export()),
      ])
      assert.equal(all?.length, 3 + 240)
      assert.deepEqual(
        all
          ?.filter(({ type }) => type === 'session')
          .map(({ id }) => id)
          .sort(),
        ['empty', 'one', 'two'],
      )
      assert.deepEqual(none, [])
      const [session, ...messages] = one ?? []
      assert.deepEqual(
        [session?.['type'], session?.['id'], session?.['messages']],
        ['session', 'one', 120],
      )
      assert.deepEqual(
        messages.map(({ type, id, role, content }) => [type, id, role, content]),
        Array.from({ length: 120 }, (_, n) => ['message', `one${n}`, 'user', `line\n${n}`]),
      )
    })

    it('come out once each, and all, while some are used meanwhile', async () => {
      await fill(150, String)
      const ids: unknown[] = []
      await memories.ann(async (memory) => {
        for await (const line of memory.sessions.export()) {
          ids.push(JSON.parse(line).id)
          // Moves a session that was not exported yet to the front.
          if (ids.length === 10) await memory.open('s3').set({ title: 'moved' })
        }
      })
      assert.equal(ids.length, 150)
      assert.equal(new Set(ids).size, 150)
    })

    it('are forgotten with the preferences, and nothing is kept for five seconds', async () => {
      await memories.as({ user: 'bob' }, (memory) => memory.append({ role: 'user', content: 'x' }))
      await fill(3, String)
      const forgotten = await memories.ann(async (memory) => {
        await memory.preferences.set({ theme: 'dark' })
        await memory.open('s1').state.set({ step: 1 })
        return memory.sessions.forget()
      })
      assert.equal(forgotten, 3)
      for (const write of [
        (memory: Memory) => memory.append({ role: 'user', content: 'late' }),
        (memory: Memory) => memory.set({ title: 'late' }),
        (memory: Memory) => memory.state.set({ late: true }),
        (memory: Memory) => memory.preferences.set({ late: true }),
        (memory: Memory) => memory.state.increment('late'),
      ])
        await assert.rejects(memories.ann<unknown>(write), { code: 'ERR_STORE', status: 409 })
      const left = (await store.keys('*')).filter((key) => !key.endsWith(':gone'))
      assert.ok(
        left.every((key) => key.includes('{bob}')),
        String(left),
      )
    })

    it('of another user cannot be told from those that are not there', async () => {
      await memories.ann(async (memory) => {
        await memory.open('secret').append({ id: 'm1', role: 'user', content: 'x' })
      })
      const { result } = await memories.as({ user: 'bob' }, async (memory) => {
        const answers: unknown[] = []
        for (const id of ['secret', 'nowhere']) {
          const session = memory.open(id)
          answers.push([
            await session.info(),
            (await session.history()).items,
            await session.state.all(),
            await session.update('m1', { role: 'user', content: 'y' }),
            await session.rewind('m1').catch(String),
            await session.fork().catch(String),
            await lines(session.export()),
            await memory.sessions.delete(id),
          ])
        }
        return answers
      })
      assert.deepEqual((result as unknown[])[0], (result as unknown[])[1])
      const kept = await memories.ann((memory) => memory.open('secret').history())
      assert.deepEqual(kept.items[0]?.content, 'x')
    })
  })
}

async function lines(iterable: AsyncIterable<string>): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for await (const line of iterable) {
    assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1)
    found.push(JSON.parse(line))
  }
  return found
}
