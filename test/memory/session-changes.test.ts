import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Memory, Store } from '../../lib/index.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

const contents = async (memory: Memory) =>
  (await memory.history({ limit: 1000 })).items.map(({ content }) => content)
const dialogue = [
  { id: 'm1', role: 'user', content: 'one' },
  { id: 'm2', role: 'assistant', content: 'two' },
  { id: 'm3', role: 'user', content: 'three' },
  { id: 'm4', role: 'assistant', content: 'four' },
] as const

for (const stores of testStores()) {
  describe(`changes of a session over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store)
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    it('tells nothing of a session that is not there, and makes none by asking', async () => {
      const { info, listed } = await memories.ann(async (memory) => ({
        info: await memory.info(),
        listed: (await memory.sessions.list()).items,
      }))
      assert.equal(info, undefined)
      assert.deepEqual(listed, [])
    })

    it('tells title, meta, pin, counts and times of a session', async () => {
      const [info, listed] = await memories.ann(async (memory) => {
        await memory.append(dialogue)
        await memory.set({ title: ' A  fine\n title ', meta: { topic: ['x'] }, pinned: true })
        return [await memory.info(), (await memory.sessions.list()).items[0]] as const
      })
      assert.deepEqual(info, listed)
      const { createdAt, updatedAt, tokens, ...rest } = info ?? assert.fail()
      assert.ok(createdAt <= updatedAt && tokens > 0)
      assert.deepEqual(rest, {
        id: 'default',
        title: 'A fine title',
        messages: 4,
        rev: 2,
        pinned: true,
        meta: { topic: ['x'] },
        running: false,
      })
    })

    it('removes title and meta that are set to null, and leaves what is not named', async () => {
      const infos = await memories.ann(async (memory) => {
        await memory.set({ title: 'mine', meta: { a: 1 } })
        await memory.set({ title: null })
        const one = await memory.info()
        await memory.set({ meta: null })
        return [one, await memory.info()]
      })
      assert.deepEqual(
        infos.map((info) => [info?.title, info?.meta]),
        [
          [undefined, { a: 1 }],
          [undefined, undefined],
        ],
      )
    })

    it('hands out a system message that was set, and the one that takes its place', async () => {
      const heads = await memories.ann(async (memory) => {
        await memory.append(dialogue)
        const found: unknown[] = []
        for (const system of [
          'be brief',
          { role: 'developer', content: 'be kind' } as const,
          null,
        ]) {
          await memory.set({ system })
          const { messages } = await memory.context()
          found.push([messages[0]?.role, messages[0]?.content, messages.length])
        }
        return found
      })
      assert.deepEqual(heads, [
        ['system', 'be brief', 5],
        ['developer', 'be kind', 5],
        ['user', 'one', 4],
      ])
    })

    for (const [fault, changes, status] of [
      ['a title of 1 MB', { title: 'x'.repeat(1_000_000) }, 413],
      ['an empty title', { title: ' \n' }, 400],
      ['a title that is a number', { title: 7 }, 400],
      ['meta above 16 KiB', { meta: { text: 'x'.repeat(16_384) } }, 413],
      ['meta that is an array', { meta: [1] }, 400],
      ['meta that is a date', { meta: new Date() }, 400],
      ['meta that holds a bigint', { meta: { n: 1n } }, 400],
      ['a pin that is text', { pinned: 'yes' }, 400],
      ['a system message with another role', { system: { role: 'user', content: 'x' } }, 400],
      ['an empty system message', { system: '' }, 400],
      ['a member that is none', { tokens: 1 }, 400],
      ['a member of the prototype', { ['constructor']: 1 }, 400],
      ['nothing', null, 400],
    ] as const) {
      it(`refuses ${fault} with ${status}, and changes nothing`, async () => {
        const before = await memories.ann(async (memory) => {
          await memory.append(dialogue)
          return memory.info()
        })
        const set = memories.ann((memory) => memory.set(changes as never))
        await assert.rejects(set, { code: 'ERR_REQUEST', status })
        assert.deepEqual(await memories.ann((memory) => memory.info()), before)
      })
    }

    it('cuts a title at 200 characters, between them', async () => {
      const title = '😀'.repeat(300)
      const info = await memories.ann(async (memory) => {
        await memory.set({ title })
        return memory.info()
      })
      assert.equal(info?.title, '😀'.repeat(200))
    })

    it('puts another content in the place of a message', async () => {
      const [done, missing, said] = await memories.ann(async (memory) => {
        await memory.append(dialogue)
        return [
          await memory.update('m2', { role: 'assistant', content: 'better' }),
          await memory.update('m9', { role: 'assistant', content: 'nowhere' }),
          await contents(memory),
        ] as const
      })
      assert.deepEqual([done, missing], [true, false])
      assert.deepEqual(said, ['one', 'better', 'three', 'four'])
    })

    it('keeps what is there where a message is updated with one that cannot be kept', async () => {
      await memories.ann((memory) => memory.append(dialogue))
      const update = memories.ann((memory) =>
        memory.update('m2', { role: 'assistant', content: 'x'.repeat(70_000) }),
      )
      await assert.rejects(update, { status: 413 })
      assert.deepEqual(await memories.ann(contents), ['one', 'two', 'three', 'four'])
    })

    it('rewinds to before a message, and goes on from there', async () => {
      const [removed, said] = await memories.ann(async (memory) => {
        await memory.append(dialogue)
        const gone = await memory.rewind('m3')
        await memory.append({ role: 'user', content: 'instead' })
        return [gone, await contents(memory)] as const
      })
      assert.equal(removed, 2)
      assert.deepEqual(said, ['one', 'two', 'instead'])
    })

    it('answers 404 to a rewind or fork at a message that is not there', async () => {
      await memories.ann((memory) => memory.append(dialogue))
      for (const at of ['m9', 'toString', '*']) {
        const lost = { code: 'ERR_REQUEST', status: 404 }
        await assert.rejects(
          memories.ann((memory) => memory.rewind(at)),
          lost,
        )
        await assert.rejects(
          memories.ann((memory) => memory.fork(at)),
          lost,
        )
        await assert.rejects(
          memories.ann((memory) => memory.open('none').fork()),
          lost,
        )
      }
      assert.equal((await memories.ann(contents)).length, 4)
    })

    it('forks up to a message, with title, meta and state, and leaves the original alone', async () => {
      const [fork, original] = await memories.ann(async (memory) => {
        await memory.append(dialogue)
        await memory.set({ title: 'first', meta: { a: 1 }, pinned: true })
        await memory.state.set({ step: 3 })
        const copy = await memory.fork('m2')
        await copy.append({ role: 'user', content: 'other' })
        await copy.state.set({ step: 4 })
        const tell = async (each: Memory) => ({
          said: await contents(each),
          info: await each.info(),
          state: await each.state.all(),
        })
        return [await tell(copy), await tell(memory)] as const
      })
      assert.match(fork.info?.id ?? '', /^[0-9a-f-]{36}$/)
      assert.deepEqual(fork.said, ['one', 'two', 'other'])
      assert.deepEqual(
        [fork.info?.title, fork.info?.meta, fork.info?.pinned],
        ['first', { a: 1 }, false],
      )
      assert.deepEqual(fork.state, { step: 4 })
      assert.deepEqual(original.said, ['one', 'two', 'three', 'four'])
      assert.deepEqual(original.state, { step: 3 })
    })

    it('refuses each change of a session that is at another rev, and changes nothing', async () => {
      const rev = await memories.ann(async (memory) => (await memory.append(dialogue)).rev)
      const stale = { ifRev: rev - 1 }
      const reply = { role: 'assistant', content: 'late' } as const
      for (const change of [
        (memory: Memory) => memory.set({ title: 'late' }, stale),
        (memory: Memory) => memory.update('m2', reply, stale),
        (memory: Memory) => memory.rewind('m2', stale),
        (memory: Memory) => memory.append(reply, stale),
      ])
        await assert.rejects(memories.ann<unknown>(change), { code: 'ERR_STORE', status: 409 })
      const info = await memories.ann((memory) => memory.info())
      assert.deepEqual([info?.rev, info?.title], [rev, 'one'])
      assert.deepEqual(await memories.ann(contents), ['one', 'two', 'three', 'four'])
    })

    it('keeps the first content of an id that comes again with another', async () => {
      const [again, said] = await memories.ann(async (memory) => {
        await memory.append(dialogue)
        const done = await memory.append({ id: 'm1', role: 'user', content: 'forged' })
        return [done, await contents(memory)] as const
      })
      assert.deepEqual([again.added, again.duplicates], [0, 1])
      assert.deepEqual(said, ['one', 'two', 'three', 'four'])
    })

    it('refuses 10,000 messages in one append and a message of 10 MB, and loses nothing', async () => {
      await memories.ann((memory) => memory.append(dialogue))
      const many = Array.from({ length: 10_000 }, () => ({ role: 'user', content: 'x' }) as const)
      const large = { role: 'user', content: 'x'.repeat(10_000_000) } as const
      for (const input of [many, large])
        await assert.rejects(
          memories.ann((memory) => memory.append(input)),
          { code: 'ERR_REQUEST', status: 413 },
        )
      assert.deepEqual(await memories.ann(contents), ['one', 'two', 'three', 'four'])
    })

    it('keeps 10,000 messages of one append where so many are allowed', async () => {
      const wide = await serveMemories(store, { maxStored: 20_000 })
      try {
        const many = Array.from(
          { length: 10_000 },
          (_, n) => ({ role: 'user', content: String(n) }) as const,
        )
        const { added } = await wide.ann((memory) => memory.append(many))
        assert.equal(added, 10_000)
        const lines: string[] = []
        await wide.ann(async (memory) => {
          for await (const line of memory.export()) lines.push(line)
        })
        assert.equal(lines.length, 10_001)
        assert.equal(JSON.parse(lines.at(-1) ?? '').content, '9999')
      } finally {
        await wide.close()
      }
    })
  })
}
