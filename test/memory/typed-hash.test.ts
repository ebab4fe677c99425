import assert from 'node:assert/strict'
import { expectTypeOf } from 'expect-type'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { encrypted, type Memory, type Store, type TypedHash } from '../../lib/index.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

const key = Buffer.alloc(32, 7)

for (const stores of testStores()) {
  for (const kind of ['state', 'preferences'] as const) {
    describe(`${kind} over ${stores.name}`, () => {
      let store: Store
      let memories: Memories

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
        // Every write of the same value is other bytes: what compares must compare what they hold.
        memories = await serveMemories(store, { serializer: encrypted([{ id: 'a', key }]) })
      })
      afterEach(() => memories.close())
      after(() => stores.stop())

      const use = <T>(task: (hash: TypedHash, memory: Memory) => Promise<T>) =>
        memories.ann((memory) => task(memory[kind], memory))

      it('keeps values of all kinds of JSON, and gives undefined for those that are not there', async () => {
        const values = { text: 'ü', list: [1, null], nested: { a: { b: true } }, nothing: null }
        await use((hash) => hash.set(values))
        assert.deepEqual(await use((hash) => hash.all()), values)
        assert.equal(await use((hash) => hash.get('text')), 'ü')
        assert.equal(await use((hash) => hash.get('other')), undefined)
      })

      it('deletes values by name and those set to undefined', async () => {
        const left = await use(async (hash) => {
          await hash.set({ a: 1, b: 2, c: 3 })
          await hash.set({ a: undefined, c: 4 })
          await hash.delete('b', 'never')
          return hash.all()
        })
        assert.deepEqual(left, { c: 4 })
      })

      it('takes any name a user may choose', async () => {
        const names = ['__proto__', 'a:b', '*', '{x}', '~claim', 'toString', 'ü']
        const found = await use(async (hash) => {
          for (const name of names) await hash.set(Object.fromEntries([[name, name]]))
          return hash.all()
        })
        assert.deepEqual(Object.keys(found).sort(), [...names].sort())
        assert.equal(Object.getOwnPropertyDescriptor(found, '__proto__')?.value, '__proto__')
      })

      it('adds to a number 50 times at once, and counts each', async () => {
        await Promise.all(Array.from({ length: 50 }, () => use((hash) => hash.increment('n', 2))))
        assert.equal(await use((hash) => hash.get('n')), 100)
      })

      it('adds nothing to what is no number, and nothing that is no number', async () => {
        await use((hash) => hash.set({ text: '1', n: 1 }))
        for (const [name, by] of [
          ['text', 1],
          ['n', Number.NaN],
          ['n', '1' as never],
        ] as const)
          await assert.rejects(
            use((hash) => hash.increment(name, by)),
            { code: 'ERR_USAGE' },
          )
        assert.deepEqual(await use((hash) => hash.all()), { text: '1', n: 1 })
      })

      it('sets a value only where it is what was expected, by what it holds', async () => {
        const done = await use(async (hash) => [
          await hash.compareAndSet('plan', undefined, { steps: [1] }),
          await hash.compareAndSet('plan', undefined, { steps: [2] }),
          await hash.compareAndSet('plan', { steps: [9] }, { steps: [3] }),
          await hash.compareAndSet('plan', { steps: [1], none: undefined }, { steps: [4] }),
          await hash.get('plan'),
          await hash.compareAndSet('plan', { steps: [4] }, undefined),
          await hash.get('plan'),
        ])
        assert.deepEqual(done, [true, false, false, true, { steps: [4] }, true, undefined])
      })

      it('lets one of many take a value that all expect', async () => {
        await use((hash) => hash.set({ lock: 'free' }))
        const takers = Array.from({ length: 20 }, (_, n) =>
          use((hash) => hash.compareAndSet('lock', 'free', n)),
        )
        const taken = (await Promise.all(takers)).filter(Boolean)
        assert.equal(taken.length, 1)
      })

      it('updates with what a function makes of the newest value', async () => {
        const add = (n: number) =>
          use((hash) => hash.update('list', (list) => [...((list as number[]) ?? []), n]))
        await Promise.all(Array.from({ length: 20 }, (_, n) => add(n)))
        const list = (await use((hash) => hash.get('list'))) as number[]
        assert.deepEqual(
          list.toSorted((a, b) => a - b),
          Array.from({ length: 20 }, (_, n) => n),
        )
      })

      it('refuses values and names that cannot be kept, and keeps none of the call', async () => {
        for (const [values, status] of [
          [{ a: 1, large: 'x'.repeat(65_537) }, 413],
          [{ a: 1, [`${'x'.repeat(129)}`]: 1 }, 400],
          [{ a: 1, '': 1 }, 400],
          [{ a: 1, f: () => 1 }, 400],
          [Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`n${n}`, n])), 413],
        ] as const)
          await assert.rejects(
            use((hash) => hash.set(values)),
            { code: 'ERR_REQUEST', status },
          )
        assert.deepEqual(await use((hash) => hash.all()), {})
      })

      it('refuses an update that is asynchronous', async () => {
        const update = use((hash) => hash.update('a', async () => 1))
        await assert.rejects(update, { code: 'ERR_USAGE' })
      })
    })
  }

  describe(`state and preferences over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store, { ttl: '1h' })
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    it('are each their own: state of a session, preferences of a user', async () => {
      await memories.ann(async (memory) => {
        await memory.state.set({ step: 1 })
        await memory.preferences.set({ theme: 'dark' })
      })
      const tell = async (memory: Memory) => [
        await memory.state.all(),
        await memory.open('other').state.all(),
        await memory.open('other').preferences.all(),
      ]
      assert.deepEqual(await memories.ann(tell), [{ step: 1 }, {}, { theme: 'dark' }])
      const bob = await memories.as({ user: 'bob' }, tell)
      assert.deepEqual(bob.result, [{}, {}, {}])
    })

    it('go with their session, and stay with their user', async () => {
      const left = await memories.ann(async (memory) => {
        await memory.state.set({ step: 1 })
        await memory.preferences.set({ theme: 'dark' })
        const there = await memory.info()
        await memory.delete()
        return [there?.id, await memory.state.all(), await memory.preferences.all()]
      })
      assert.deepEqual(left, ['default', {}, { theme: 'dark' }])
    })

    it('live as long as a session, a signed-in user’s preferences for 400 days', async () => {
      const [state, preferences] = await memories.ann(async (memory) => {
        await memory.state.set({ step: 1 })
        await memory.preferences.set({ theme: 'dark' })
        return [
          await store.ttl('session:{ann}:default:state'),
          await store.ttl('user:{ann}:preferences'),
        ] as const
      })
      assert.ok(state !== undefined && state > 3500 && state <= 3600, String(state))
      assert.ok(preferences !== undefined && preferences > 399 * 86_400, String(preferences))
      const { result } = await memories.as({ user: '' }, async (memory) => {
        await memory.preferences.set({ theme: 'dark' })
        return memory.user
      })
      const guest = await store.ttl(`user:{${result}}:preferences`)
      assert.ok(guest !== undefined && guest > 3500 && guest <= 3600, String(guest))
    })
  })
}

describe('types of named values', () => {
  interface AgentState {
    step: number
    plan: readonly string[]
  }

  it('are those of the values', () => {
    const typed = (memory: Memory) => memory.state as TypedHash<AgentState>
    expectTypeOf(typed).returns.toEqualTypeOf<TypedHash<AgentState>>()
    expectTypeOf<TypedHash<AgentState>['all']>().returns.resolves.toEqualTypeOf<
      Partial<AgentState>
    >()
    expectTypeOf<Parameters<TypedHash<AgentState>['set']>>().toEqualTypeOf<[Partial<AgentState>]>()
    expectTypeOf<Parameters<TypedHash<AgentState>['increment']>[0]>().toEqualTypeOf<
      'step' | 'plan'
    >()
  })
})
