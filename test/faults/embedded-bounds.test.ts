import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, it } from 'mocha'
import { batch, end, take, write } from '../../contract/answering.ts'
import { bounds, everything, message, messages, session } from '../../contract/conversation.ts'
import { failsWith } from '../../contract/expectations.ts'
import { fieldBounds, fieldMap, preferencesOf, stateOf } from '../../contract/field-values.ts'
import type { FieldKeys } from '../../lib/ports/fields.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { embeddedProvider } from '../../lib/providers/embedded/provider.ts'

const minuteMs = 60_000
const text = (value: string) => Buffer.from(value)

function page(body: Buffer, variant = '', ttlMs = minuteMs) {
  const entry = { head: text('head'), body }
  return { vary: ['accept'], variant, entry, ttlMs, maxVariants: 8 }
}

async function limited(store: Provider, key: string): Promise<boolean> {
  const charge = { key, algorithm: 'sliding', limit: 10, windowMs: minuteMs, cost: 1 } as const
  const [budget] = await store.budgets.charge([charge])
  return budget?.allowed === false
}

describe('a full embedded provider', () => {
  it('drops what was not used for longest', async () => {
    const store = embeddedProvider({ maxEntries: 16 })
    for (const key of ['a', 'b', 'c', 'd']) await store.set(key, text(key), undefined)
    await store.get('a')
    await store.incr('n', 1)
    assert.deepEqual((await store.keys('*')).sort(), ['a', 'c', 'd', 'n'])
  })

  it('still limits an active key while 50,000 others come by, in bounded memory', async () => {
    const store = embeddedProvider()
    const before = heapBytes()
    for (let at = 0; at < 10; at += 1) assert.equal(await limited(store, 'active'), false)
    for (let at = 0; at < 50_000; at += 1) {
      await limited(store, `limit:{ip~${at}}:rpm:w60000`)
      if (at % 500 === 0) assert.equal(await limited(store, 'active'), true)
    }
    assert.equal(await limited(store, 'active'), true)
    assert.ok(heapBytes() - before < 24 * 1024 * 1024)
    await store.close()
  })

  it('remembers 100,000 purges of marks in bounded memory, and forgets none', async () => {
    const store = embeddedProvider()
    const before = heapBytes()
    const began = await store.entries.clock()
    for (let at = 0; at < 100_000; at += 1) await store.entries.purge([`t:mark-${at}`], false)
    assert.ok(heapBytes() - before < 8 * 1024 * 1024)
    for (let at = 0; at < 100_000; at += 1_000) {
      const [purge] = await store.entries.purges([`t:mark-${at}`])
      assert.ok((purge?.hard ?? 0) > began)
    }
    await store.close()
  })

  it('gives what budgets were lent back to those who have a share of it', async () => {
    const store = embeddedProvider({ maxEntries: 80 })
    for (let at = 0; at < 100; at += 1) await limited(store, `budget:${at}`)
    assert.equal((await store.keys('budget:*')).length, 80)
    for (let at = 0; at < 100; at += 1) await store.set(`value:${at}`, text('1'), undefined)
    assert.equal((await store.keys('value:*')).length, 20)
    assert.equal((await store.keys('budget:*')).length, 60)
    for (let at = 0; at < 100; at += 1) await store.entries.keep(`page:${at}`, page(text('1')))
    for (let at = 0; at < 100; at += 1)
      await store.history.append(session('ann', `s${at}`), messages('u'), bounds())
    assert.equal((await store.keys('budget:*')).length, 30)
    assert.equal((await store.keys('*')).length, 80)
  })

  it('never drops one kind for another', async () => {
    const store = embeddedProvider({ maxEntries: 80, maxBytes: 128 * 1024 })
    const keys = session('ann', 'one')
    await store.set('value', text('1'), undefined)
    await store.history.append(keys, messages('ua'), bounds())
    for (let at = 0; at < 10; at += 1) await limited(store, 'budget')
    for (let at = 0; at < 1_000; at += 1) await store.entries.keep(`${at}`, page(Buffer.alloc(999)))
    assert.equal((await store.history.read(keys, everything)).entries.length, 2)
    assert.deepEqual(await store.get('value'), text('1'))
    assert.equal(await limited(store, 'budget'), true)
    assert.equal((await store.keys('*')).length, 4 + 10)
  })

  it('does not drop the living for the dead', async () => {
    let nowMs = 0
    const store = embeddedProvider({ maxEntries: 800, now: () => nowMs })
    const living = Array.from({ length: 100 }, (_, at) => `living:${at}`)
    for (const key of living) await store.set(key, text('1'), undefined)
    for (let at = 0; at < 10_000; at += 1) {
      nowMs += 1
      await store.set(`dead:${at}`, text('1'), 10)
    }
    assert.equal(await store.exists(living), living.length)
  })

  it('takes the memory it was given, of whatever size the values are', async () => {
    const maxBytes = 32 * 1024 * 1024
    for (const size of [0, 100, 10_000]) {
      const store = embeddedProvider({ maxEntries: 2 ** 20, maxBytes })
      const before = heapBytes()
      const count = (2 * maxBytes) / (size + 200)
      for (let at = 0; at < count; at += 1) await store.set(`v${at}`, Buffer.alloc(size), undefined)
      const taken = heapBytes() - before
      assert.ok(taken < (maxBytes / 4) * 1.3, `${taken} for values of ${size}`)
      await store.close()
    }
  })
})

describe('what is too large for the embedded provider', () => {
  const small = () => embeddedProvider({ maxBytes: 65_536 })

  it('is refused as full, and what was there stays', async () => {
    const store = small()
    await store.set('key', text('old'), undefined)
    await store.entries.keep('page', page(text('old')))
    await failsWith('full', store.set('key', Buffer.alloc(20_000), undefined))
    await failsWith('full', store.set('page', Buffer.alloc(20_000), undefined))
    await failsWith('full', store.entries.keep('page', page(Buffer.alloc(20_000))))
    assert.deepEqual(await store.get('key'), text('old'))
    assert.deepEqual((await store.entries.find('page', '', [])).entry?.body, text('old'))
  })

  it('is refused as a message, and the session stays as it was', async () => {
    const store = small()
    const keys = session('ann', 'one')
    const large = [message('b', 'u', 'b'.repeat(30_000))]
    await failsWith('full', store.history.append(keys, large, bounds()))
    assert.deepEqual(await store.keys('*'), [])
    await store.history.append(keys, [message('a')], bounds())
    const before = await store.history.read(keys, everything)
    await failsWith('full', store.history.append(keys, large, bounds()))
    assert.deepEqual(await store.history.read(keys, everything), before)
    assert.equal((await store.history.list(keys.index, { limit: 9, after: undefined })).length, 1)
  })

  it('is made room for among the variants of a resource: those that end first go', async () => {
    const store = small()
    const body = Buffer.alloc(6_000)
    await store.entries.keep('key', page(body, 'second', 2 * minuteMs))
    await store.entries.keep('key', page(body, 'first', minuteMs))
    await store.entries.keep('key', page(body, 'third', 3 * minuteMs))
    const found = async (name: string) =>
      (await store.entries.find('key', name, [])).entry !== undefined
    assert.deepEqual(
      [await found('first'), await found('second'), await found('third')],
      [false, true, true],
    )
  })
})

describe('the sessions of a full embedded provider', () => {
  it('leave the index with their session', async () => {
    const store = embeddedProvider({ maxEntries: 80 })
    for (let at = 0; at < 100; at += 1)
      await store.history.append(session('ann', `s${at}`), messages('u'), bounds())
    const listed = await store.history.list('session:{ann}', { limit: 100, after: undefined })
    assert.equal(listed.length, 19)
    assert.equal((await store.keys('session:*')).length, 20)
    assert.equal((await store.history.read(session('ann', 's99'), everything)).entries.length, 1)
    assert.equal((await store.history.read(session('ann', 's0'), everything)).meta, undefined)
  })

  it('are kept with their line in the index, or not at all', async () => {
    const [kept, refused] = [new Set<number>(), new Set<number>()]
    for (let size = 22_000; size < 23_500; size += 25) {
      const store = embeddedProvider({ maxBytes: 65_536 })
      const append = store.history.append(
        session('ann', 'one'),
        [message('a', 'u', 'a'.repeat(size))],
        bounds(),
      )
      const done = await append.catch(() => undefined)
      const seen = done ? kept : refused
      seen.add(size)
      assert.equal((await store.keys('*')).length, done ? 2 : 0, `${size}`)
    }
    assert.ok(kept.size > 0 && refused.size > 0)
  })

  it('leave nothing behind when they are removed', async () => {
    const store = embeddedProvider({ maxBytes: 65_536 })
    await store.history.append(session('ann', 'stays'), messages('u'), bounds())
    for (let at = 0; at < 1_000; at += 1) {
      await store.history.append(session('ann', `s${at}`), messages('u'), bounds())
      await store.history.remove(session('ann', `s${at}`))
    }
    assert.deepEqual(await store.keys('*:*:*'), ['session:{ann}:stays'])
  })

  it('stay listed as long as they are kept, whoever else comes by', async () => {
    const store = embeddedProvider({ maxEntries: 80 })
    for (let at = 0; at < 200; at += 1) {
      await store.history.append(session(`guest${at}`, 'one'), messages('u'), bounds())
      await store.history.read(session('ann', `s${at % 3}`), everything)
      await store.history.append(session('ann', `s${at % 3}`), [message(`${at}`)], bounds())
    }
    const kept = await store.keys('session:{ann}:*')
    const listed = await store.history.list('session:{ann}', { limit: 100, after: undefined })
    assert.deepEqual([kept.length, listed.length], [3, 3])
    for (const key of await store.keys('session:{guest*}:*')) {
      const index = key.slice(0, key.lastIndexOf(':'))
      assert.equal((await store.history.list(index, { limit: 9, after: undefined })).length, 1)
    }
  })
})

describe('named values in a full embedded provider', () => {
  const write = (store: Provider, place: FieldKeys, bytes: number) =>
    store.fields.write(place, fieldMap({ a: 'x'.repeat(bytes) }), fieldBounds())

  it('are refused as full, and session and state stay as they were', async () => {
    const store = embeddedProvider({ maxBytes: 65_536 })
    const keys = session('ann', 'one')
    await store.history.append(keys, messages('u'), bounds())
    await write(store, stateOf(keys), 100)
    const before = await store.history.read(keys, everything)
    for (const bytes of [23_000, 24_000, 60_000])
      await failsWith('full', write(store, stateOf(keys), bytes))
    await failsWith('full', write(store, preferencesOf('ann'), 25_000))
    assert.deepEqual(await store.history.read(keys, everything), before)
    const state = await store.fields.read(stateOf(keys), undefined, undefined)
    assert.equal(state.get('a')?.length, 100)
  })

  it('go with their session, and take no more than the share of sessions', async () => {
    const store = embeddedProvider({ maxBytes: 65_536 })
    for (let at = 0; at < 200; at += 1) await write(store, stateOf(session('ann', `s${at}`)), 1_000)
    const all = await store.keys('session:{ann}:*')
    const states = all.filter((key) => key.endsWith(':state'))
    assert.ok(states.length > 5 && states.length < 20, `${states.length} states`)
    for (const key of states) assert.ok(all.includes(key.slice(0, -':state'.length)), key)
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

describe('the pieces of an answer in a full embedded provider', () => {
  const text = (at: number) => `${at}`.padEnd(100_000, '.')

  it('are the newest four mebibytes', async () => {
    const store = embeddedProvider()
    const keys = session('ann', 'one')
    const hold = await take(() => store, keys)
    for (let at = 1; at <= 60; at += 1) await write(() => store, keys, hold, batch(at, text(at)))
    const { batches } = await store.turns.look(keys, 'q', 0, 0)
    const numbers = batches.map(({ last }) => last)
    assert.deepEqual(
      numbers,
      Array.from({ length: 41 }, (_, at) => at + 20),
    )
    assert.equal(batches.at(-1)?.bytes.toString(), text(60))
  })

  it('are fewer where it is small, and never push out their session', async () => {
    const store = embeddedProvider({ maxBytes: 65_536 })
    const keys = session('ann', 'one')
    const hold = await take(() => store, keys)
    for (let at = 1; at <= 100; at += 1)
      assert.equal(await write(() => store, keys, hold, batch(at, '.'.repeat(1000))), 'written')
    const { batches } = await store.turns.look(keys, 'q', 0, 0)
    assert.deepEqual(
      batches.map(({ last }) => last),
      [96, 97, 98, 99, 100],
    )
    await failsWith(
      'full',
      write(() => store, keys, hold, batch(101, '.'.repeat(30_000))),
    )
    assert.equal((await end(() => store, keys, hold)).kind, 'ended')
  })

  it('go with their session', async () => {
    const store = embeddedProvider({ maxEntries: 16 })
    const keys = session('ann', 'one')
    const hold = await take(() => store, keys)
    await write(() => store, keys, hold, batch(1))
    await store.delete([keys.session])
    assert.deepEqual(await store.keys('*'), [])
  })
})
