import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, it } from 'mocha'
import type { Entry } from '../../lib/cache/entry.ts'
import { type Near, nearOf } from '../../lib/cache/near.ts'
import type { CacheStore } from '../../lib/cache/shelf.ts'
import { createStore, type Store, UsageError } from '../../lib/index.ts'
import { purgeChannel } from '../../lib/keys.ts'
import { eventually } from '../support/eventually.ts'
import { entryOf } from './entry-of.ts'

const open: Store[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()))
})

function embedded(): Store {
  const store = createStore({ provider: 'embedded' })
  open.push(store)
  return store
}

const place = (key: string, variant = '') => ({ key: `cache:{${key}}`, variant })
const now = () => performance.now()

/** What is at hand of a store, once purges are heard of. */
async function standing(store: CacheStore, options: Partial<Parameters<typeof nearOf>[1]> = {}) {
  const near = nearOf(store, { maxBytes: 1_000_000, ttlMs: 5000, ...options })
  await stands(near)
  return near
}

async function stands(near: Near): Promise<void> {
  await eventually('purges are heard of', async () => {
    near.put(place('probe'), entryOf('probe'), now(), now())
    return near.get(place('probe'), now())
  })
}

function put(near: Near, name: string, entry: Entry, began = now()): void {
  near.put(place(name), entry, began, now())
}

const bodyOf = (entry: Entry | undefined) => entry?.body.toString()

describe('entries at hand', () => {
  it('are got again for so long, and not a moment longer', async () => {
    const near = await standing(embedded(), { ttlMs: 1000 })
    near.put(place('a'), entryOf('one'), 1e9, 1e9)
    assert.equal(bodyOf(near.get(place('a'), 1e9 + 999)), 'one')
    assert.equal(near.get(place('a'), 1e9 + 1000), undefined)
    assert.equal(near.get(place('b'), 1e9), undefined)
    assert.equal(near.get(place('a', 'x'), 1e9), undefined)
  })

  it('are not taken before purges are heard of', async () => {
    const near = nearOf(embedded(), { maxBytes: 1_000_000, ttlMs: 5000 })
    put(near, 'a', entryOf('one'))
    assert.equal(near.get(place('a'), now()), undefined)
  })

  it('are not taken where they began before that', async () => {
    const store = embedded()
    const near = nearOf(store, { maxBytes: 1_000_000, ttlMs: 5000 })
    const began = now()
    await stands(near)
    put(near, 'a', entryOf('one'), began)
    assert.equal(near.get(place('a'), now()), undefined)
  })

  for (const [says, forget] of [
    ['purged by a mark', (near: Near) => near.purged(['t:x', 't:b'])],
    ['dropped', (near: Near) => near.drop(place('a').key)],
    ['cleared', (near: Near) => near.clear()],
  ] as const) {
    it(`are gone once ${says}, and are not taken where they began before`, async () => {
      const near = await standing(embedded())
      const began = now()
      put(near, 'a', entryOf('one', { marks: ['t:a', 't:b'] }))
      assert.equal(bodyOf(near.get(place('a'), now())), 'one')
      forget(near)
      assert.equal(near.get(place('a'), now()), undefined)
      put(near, 'a', entryOf('one', { marks: ['t:a', 't:b'] }), began)
      assert.equal(near.get(place('a'), now()), undefined)
      put(near, 'a', entryOf('two', { marks: ['t:a', 't:b'] }), now() + 1)
      assert.equal(bodyOf(near.get(place('a'), now())), 'two')
    })
  }

  it('stay where others are purged or dropped', async () => {
    const near = await standing(embedded())
    put(near, 'a', entryOf('one', { marks: ['t:a'] }))
    near.purged(['t:b', 'u:a'])
    near.drop(place('b').key)
    assert.equal(bodyOf(near.get(place('a'), now())), 'one')
  })

  it('are no longer what the writer, or another reader, may change', async () => {
    const near = await standing(embedded())
    const written = entryOf('one')
    put(near, 'a', written)
    written.body.fill('x')
    assert.equal(bodyOf(near.get(place('a'), now())), 'one')
    const body = near.get(place('a'), now())?.body
    assert.equal(body?.buffer.byteLength, 3)
  })

  it('do not give way to what was read slowly', async () => {
    const near = await standing(embedded())
    put(near, 'a', entryOf('new', { since: 2, storedAt: 1 }))
    put(near, 'a', entryOf('old', { since: 1, storedAt: 2 }))
    assert.equal(bodyOf(near.get(place('a'), now())), 'new')
    put(near, 'a', entryOf('newer', { since: 2, storedAt: 2 }))
    put(near, 'a', entryOf('older', { since: 2, storedAt: 1 }))
    assert.equal(bodyOf(near.get(place('a'), now())), 'newer')
  })

  it('take no more than an eighth of the room each, nor more than all together', async () => {
    const near = await standing(embedded(), { maxBytes: 80_000 })
    put(near, 'big', entryOf('x'.repeat(9000)))
    assert.equal(near.get(place('big'), now()), undefined)
    put(near, 'small', entryOf('x'.repeat(8000)))
    assert.ok(near.get(place('small'), now()))
    for (let at = 0; at < 1000; at++) put(near, `flood-${at}`, entryOf('x'.repeat(7000)))
    let held = 0
    for (let at = 0; at < 1000; at++) held += near.get(place(`flood-${at}`), now()) ? 1 : 0
    assert.ok(held > 5 && held * 8000 < 80_000, `${held} held`)
    assert.ok(near.get(place('flood-999'), now()))
  })

  it('count their head as well', async () => {
    const near = await standing(embedded(), { maxBytes: 80_000 })
    put(near, 'a', entryOf('', { fields: { 'x-long': 'x'.repeat(9500) } }))
    assert.equal(near.get(place('a'), now()), undefined)
  })

  it('are shared by all on a store, in the most room anybody asked for', async () => {
    const store = embedded()
    const small = await standing(store, { maxBytes: 16_000, ttlMs: 10_000 })
    const large = nearOf(store, { maxBytes: 80_000, ttlMs: 1000 })
    put(small, 'a', entryOf('x'.repeat(5000)))
    assert.ok(large.get(place('a'), now()))
    assert.equal(large.get(place('a'), now() + 1000), undefined)
    assert.ok(small.get(place('a'), now() + 1000))
    assert.equal(nearOf(embedded(), { maxBytes: 1, ttlMs: 1000 }).get(place('a'), now()), undefined)
  })

  it('hear of purges, and of nothing else that is said on the channel', async () => {
    const store = embedded()
    const near = await standing(store)
    put(near, 'a', entryOf('one', { marks: ['t:a'] }))
    for (const message of ['t:a', { marks: ['t:a'] }, [['t:a']], [1, 't:a'], null, 7])
      await store.publish(purgeChannel, message)
    await turn()
    assert.equal(bodyOf(near.get(place('a'), now())), 'one')
    await store.publish(purgeChannel, ['t:b', 't:a'])
    await turn()
    assert.equal(near.get(place('a'), now()), undefined)
  })

  it('are all forgotten where more is purged than can be remembered', async () => {
    const near = await standing(embedded())
    put(near, 'a', entryOf('one', { marks: ['t:a'] }))
    for (let at = 0; at < 10_001; at += 100)
      near.purged(Array.from({ length: 100 }, (_, more) => `t:${at + more}`))
    assert.equal(near.get(place('a'), now()), undefined)
    put(near, 'a', entryOf('two', { marks: ['t:a'] }), now() + 1)
    assert.equal(bodyOf(near.get(place('a'), now())), 'two')
  })

  it('are none on a store without messages, which is asked once', async () => {
    let asked = 0
    const store: CacheStore = {
      ...embedded(),
      entries: { ...embedded().entries },
      subscribe: async () => {
        asked += 1
        throw new UsageError('no bus')
      },
    }
    const near = nearOf(store, { maxBytes: 1_000_000, ttlMs: 5000 })
    for (const at of [0, 2000, 4000]) {
      near.put(place('a'), entryOf('one'), at, at)
      await turn()
    }
    assert.equal(near.get(place('a'), 4000), undefined)
    assert.equal(asked, 1)
  })

  it('are asked for again at most once a second where nothing can be heard', async () => {
    let asked = 0
    const sound = embedded()
    const store: CacheStore = {
      ...sound,
      entries: { ...sound.entries },
      subscribe: (channel, listener) => {
        asked += 1
        return asked < 3 ? Promise.reject(new Error('away')) : sound.subscribe(channel, listener)
      },
    }
    const near = nearOf(store, { maxBytes: 1_000_000, ttlMs: 5000 })
    const began = now() + 60_000
    for (const at of [0, 500, 999, 1000, 1999, 2000, 2001]) {
      near.put(place('a'), entryOf('one'), began, began + at)
      await turn()
      assert.equal(asked, 1 + Math.floor(at / 1000))
    }
    assert.equal(bodyOf(near.get(place('a'), began + 2001)), 'one')
    await near.close()
  })

  it('are gone with the store, and nobody listens any more', async () => {
    const store = embedded()
    const near = await standing(store)
    put(near, 'a', entryOf('one'))
    await store.close()
    assert.equal(near.get(place('a'), now()), undefined)
    put(near, 'a', entryOf('one'))
    assert.equal(near.get(place('a'), now()), undefined)
  })
})
