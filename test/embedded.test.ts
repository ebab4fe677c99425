import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'mocha'
import {
  bounds,
  changing,
  everything,
  message,
  messages,
  session,
} from '../contract/conversation.ts'
import { failsWith } from '../contract/expectations.ts'
import { fieldBounds, fieldMap, preferencesOf, stateOf } from '../contract/field-values.ts'
import { OptionError } from '../lib/errors.ts'
import type { Provider } from '../lib/ports/provider.ts'
import { embeddedProvider } from '../lib/providers/embedded/provider.ts'

const text = (value: string) => Buffer.from(value)
const startMs = Date.UTC(2026, 10, 22)

let nowMs = startMs
let store: Provider
beforeEach(() => {
  nowMs = startMs
  store = embeddedProvider({ now: () => nowMs })
})

describe('the embedded provider, by its clock', () => {
  it('keeps a value to the last millisecond of its time to live', async () => {
    await store.set('key', text('1'), 1_000)
    nowMs += 999
    assert.deepEqual(await store.get('key'), text('1'))
    assert.equal(await store.ttl('key'), 1)
    nowMs += 1
    assert.equal(await store.get('key'), undefined)
    assert.deepEqual(await store.keys('*'), [])
  })

  it('begins a counter anew after its time to live', async () => {
    await store.set('key', text('5'), 1_000)
    assert.equal(await store.incr('key', 1), 6)
    nowMs += 1_000
    assert.equal(await store.incr('key', 1), 1)
    assert.equal(await store.ttl('key'), Number.POSITIVE_INFINITY)
  })

  it('keeps a session as long as it is appended to or read with a time to live', async () => {
    const keys = session('ann', 'one')
    await store.history.append(keys, [message('a')], bounds({ ttlMs: 1_000 }))
    nowMs += 999
    await store.history.append(keys, [message('a')], bounds({ ttlMs: 1_000 }))
    nowMs += 999
    await store.history.read(keys, { ...everything, ttlMs: 1_000 })
    nowMs += 999
    assert.equal((await store.history.read(keys, everything)).entries.length, 1)
    nowMs += 1
    assert.equal((await store.history.read(keys, everything)).meta, undefined)
    assert.deepEqual(await store.keys('*'), [])
  })

  it('lists sessions of one millisecond by id, the greater first', async () => {
    for (const id of ['a', 'c', 'b'])
      await store.history.append(session('ann', id), messages('u'), bounds())
    nowMs += 1
    await store.history.append(session('ann', '0'), messages('u'), bounds())
    const list = async (limit: number, after?: { at: number; id: string }) =>
      (await store.history.list('session:{ann}', { limit, after })).map(({ id }) => id)
    assert.deepEqual(await list(9), ['0', 'c', 'b', 'a'])
    assert.deepEqual(await list(2, { at: startMs, id: 'c' }), ['b', 'a'])
    assert.deepEqual(await list(2, { at: startMs, id: '~' }), ['c', 'b'])
    assert.deepEqual(await list(2, { at: startMs, id: 'a' }), [])
  })

  it('tells when a session was made and when it was last appended to', async () => {
    const keys = session('ann', 'one')
    await store.history.append(keys, messages('u'), bounds())
    nowMs += 500
    await store.history.append(keys, messages('u'), bounds())
    await store.history.read(keys, { ...everything, ttlMs: 60_000 })
    assert.equal((await store.history.read(keys, everything)).meta?.updatedAt, startMs)
    await store.history.append(keys, messages('a', 2), bounds())
    const { meta } = await store.history.read(keys, everything)
    assert.deepEqual([meta?.createdAt, meta?.updatedAt], [startMs, startMs + 500])
  })

  it('keeps a state as long as its session', async () => {
    const keys = session('ann', 'one')
    await store.fields.write(stateOf(keys), fieldMap({ a: '1' }), fieldBounds({ ttlMs: 1_000 }))
    nowMs += 999
    await store.history.append(keys, messages('u'), bounds({ ttlMs: 1_000 }))
    nowMs += 999
    assert.equal((await store.fields.read(stateOf(keys), undefined, undefined)).size, 1)
    nowMs += 1
    assert.equal((await store.fields.read(stateOf(keys), undefined, undefined)).size, 0)
    assert.deepEqual(await store.keys('*'), [])
  })

  it('writes nothing for an owner until five seconds after they were forgotten', async () => {
    const keys = session('ann', 'one')
    const append = async () => (await store.history.append(keys, messages('u'), bounds())).kind
    await store.history.forget(keys)
    nowMs += 3_000
    await store.history.forget(keys)
    nowMs += 4_999
    assert.equal(await append(), 'forgotten')
    nowMs += 1
    assert.equal(await append(), 'appended')
  })

  it('ends each variant of a resource to the millisecond', async () => {
    const entry = { head: text('head'), body: text('body') }
    const kept = { vary: ['accept'], entry, maxVariants: 4 }
    await store.entries.keep('key', { ...kept, variant: 'short', ttlMs: 1_000 })
    await store.entries.keep('key', { ...kept, variant: 'long', ttlMs: 2_000 })
    const bodies = async () =>
      Promise.all(
        ['short', 'long'].map(
          async (name) => (await store.entries.find('key', name, [])).entry?.body,
        ),
      )
    nowMs += 999
    assert.deepEqual(await bodies(), [text('body'), text('body')])
    nowMs += 1
    assert.deepEqual(await bodies(), [undefined, text('body')])
    assert.equal(await store.ttl('key'), 1_000)
    nowMs += 1_000
    assert.deepEqual(await store.entries.find('key', 'long', []), {
      vary: [],
      entry: undefined,
      purges: [],
    })
    assert.equal(await store.exists(['key']), 0)
  })
})

describe('the embedded provider, in general', () => {
  it('refuses options it does not know or cannot work with', () => {
    for (const options of [
      { maxEntry: 5 },
      { maxEntries: 0 },
      { maxEntries: 7 },
      { maxEntries: 1.5 },
      { maxBytes: 1_000 },
      { maxBytes: Number.POSITIVE_INFINITY },
    ])
      assert.throws(() => embeddedProvider(options as object), OptionError)
  })

  it('adds no number that cannot be told exactly', async () => {
    await store.set('key', text(`${Number.MAX_SAFE_INTEGER}`), undefined)
    await failsWith('refused', store.incr('key', 1))
    assert.equal(await store.incr('key', -1), Number.MAX_SAFE_INTEGER - 1)
    await failsWith('refused', store.incr('other', 0.5))
    await failsWith('refused', store.incr('other', Number.NaN))
    await failsWith('refused', store.set('other', text('1'), 0))
    assert.equal(await store.exists(['other']), 0)
  })

  it('takes what was written by another port for corrupt, and leaves it', async () => {
    const keys = session('ann', 'one')
    const state = preferencesOf('ann')
    const charge = { limit: 9, windowMs: 9_000, cost: 1 }
    const page = {
      vary: [],
      variant: '',
      entry: { head: text('h'), body: text('b') },
      ttlMs: 9_000,
    }
    const uses: Record<string, (key: string) => Promise<unknown>> = {
      value: (key) => store.get(key),
      number: (key) => store.incr(key, 1),
      sliding: (key) => store.budgets.charge([{ ...charge, key, algorithm: 'sliding' }]),
      fixed: (key) => store.budgets.charge([{ ...charge, key, algorithm: 'fixed' }]),
      gcra: (key) => store.budgets.charge([{ ...charge, key, algorithm: 'gcra' }]),
      slots: (key) => store.budgets.renew([{ key, lease: 'a', leaseMs: 9_000 }]),
      block: (key) => store.budgets.block([key], 9_000),
      find: (key) => store.entries.find(key, '', []),
      keep: (key) => store.entries.keep(key, { ...page, maxVariants: 1 }),
      drop: (key) => store.entries.drop(key),
      amendHead: (key) => store.entries.amend(key, '', text('h'), 9_000),
      append: (key) => store.history.append({ ...keys, session: key }, messages('u'), bounds()),
      read: (key) => store.history.read({ ...keys, session: key }, everything),
      remove: (key) => store.history.remove({ ...keys, session: key }),
      index: (key) => store.history.append({ ...keys, index: key }, messages('u', 9), bounds()),
      list: (key) => store.history.list(key, { limit: 9, after: undefined }),
      amend: (key) => store.history.amend({ ...keys, session: key }, { pinned: false }, changing()),
      update: (key) => store.history.update({ ...keys, session: key }, message('m1'), changing()),
      rewind: (key) => store.history.rewind({ ...keys, session: key }, 'none', changing()),
      fork: (key) =>
        store.history.fork({ ...keys, session: key }, session('ann', 'two'), 'none', 9_000),
      shrink: (key) => store.history.shrink({ ...keys, index: key }, 9),
      fields: (key) => store.fields.read({ ...state, fields: key }, undefined, undefined),
      field: (key) => store.fields.write({ ...state, fields: key }, new Map(), fieldBounds()),
    }
    const own = {
      a: ['value', 'number'],
      b: ['sliding'],
      c: ['fixed'],
      e: ['gcra'],
      f: ['slots'],
      g: ['block'],
      d: ['find', 'keep', 'amendHead', 'drop'],
      [keys.session]: ['append', 'read', 'amend', 'update', 'rewind', 'fork', 'remove'],
      [keys.index]: ['index', 'list', 'shrink'],
      [state.fields]: ['fields', 'field'],
    }
    await store.set('a', text('1'), undefined)
    await uses['sliding']?.('b')
    await uses['fixed']?.('c')
    await uses['gcra']?.('e')
    await uses['slots']?.('f')
    await uses['block']?.('g')
    await uses['keep']?.('d')
    await store.history.append(keys, messages('u'), bounds())
    await store.fields.write(state, fieldMap({ a: '1' }), fieldBounds())
    for (const [key, names] of Object.entries(own)) {
      for (const [name, use] of Object.entries(uses))
        if (!names.includes(name))
          await failsWith('corrupt', use(key)).catch((error) => {
            throw new Error(`${name} on ${key}`, { cause: error })
          })
      assert.equal(await store.exists([key]), 1)
    }
  })

  it('has no timers', async () => {
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await new Promise(setImmediate) // Mocha's own timer begins once the test has begun to wait.
    const before = timers()
    await store.set('key', text('1'), 1_000)
    await store.history.append(session(), messages('u'), bounds())
    assert.equal(timers(), before)
  })

  it('forgets everything when it is closed', async () => {
    await store.set('key', text('1'), undefined)
    await store.history.append(session(), messages('u'), bounds())
    await store.close()
    assert.deepEqual(await store.keys('*'), [])
  })
})
