import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Entry, encodeEntry } from '../../lib/cache/entry.ts'
import { purgesOf } from '../../lib/cache/purges.ts'
import {
  type CacheStore,
  type Looked,
  openShelf,
  type Shelf,
  type Wanted,
} from '../../lib/cache/shelf.ts'
import { variantOf } from '../../lib/cache/vary.ts'
import { createStore, type Store, StoreError } from '../../lib/index.ts'
import { cacheKey, purgeChannel } from '../../lib/keys.ts'
import type { SeenPlace } from '../../lib/ports/fills.ts'
import { startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'
import { entryOf } from './entry-of.ts'

const l1 = { maxBytes: 10_000_000, ttlMs: 5000 }

let count = 0

/** A resource that nobody has asked for. */
function fresh(store: CacheStore, headers: Wanted['headers'] = {}): Wanted {
  count += 1
  const resource = cacheKey(['shelf', String(count)])
  return { resource, headers, deadline: store.deadline(), marks: [] }
}

async function keep(
  shelf: Shelf,
  wanted: Wanted,
  entry: Entry,
  names: readonly string[] = [],
): Promise<boolean> {
  return shelf.keep(wanted, { entry, names, graceMs: 0, began: performance.now() })
}

async function bodyAt(shelf: Shelf, wanted: Wanted): Promise<string | undefined> {
  const looked = await shelf.find(wanted)
  assert.equal(looked.kind, 'found')
  return looked.kind === 'found' ? looked.entry?.body.toString() : undefined
}

/** What a look found, without what it saw in the store. */
async function found(shelf: Shelf, wanted: Wanted): Promise<Looked> {
  const looked = await shelf.find(wanted)
  if (looked.kind === 'away') return looked
  const { seen: _, ...rest } = looked
  return rest
}

/** What a look saw in the store, usable or not. */
async function seenAt(shelf: Shelf, wanted: Wanted): Promise<SeenPlace | undefined> {
  const looked = await shelf.find(wanted)
  return looked.kind === 'found' ? looked.seen : undefined
}

async function gone(what: string, shelf: Shelf, wanted: Wanted): Promise<void> {
  await eventually(what, async () => shelf.near(wanted) === undefined || undefined)
}

/** The store, and how often each of its ports is asked. */
function counted(store: CacheStore): { store: CacheStore; asked: string[] } {
  const asked: string[] = []
  const { find, purges } = store.entries
  const entries: CacheStore['entries'] = {
    ...store.entries,
    find: (...args) => {
      asked.push(`find ${args[2].join(' ')}`)
      return find(...args)
    },
    purges: (...args) => {
      asked.push(`purges ${args[0].join(' ')}`)
      return purges(...args)
    },
  }
  return { store: { ...store, entries }, asked }
}

for (const stores of bothProviders()) {
  describe(`the shelf of a cache over ${stores.name}`, () => {
    let store: Store
    before(async () => {
      await stores.start()
      store = await stores.empty()
    })
    after(() => stores.stop())

    const marked = async (marks: readonly string[]) =>
      entryOf('one', { marks, since: await store.entries.clock() })

    it('finds what it keeps', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      assert.equal(await bodyAt(shelf, wanted), undefined)
      const entry = entryOf('one', { marks: ['t:a', 'u:b'], since: 7, pieces: [3, 0] })
      assert.equal(await keep(shelf, wanted, entry), true)
      assert.deepEqual(await found(shelf, wanted), { kind: 'found', entry, tier: 'store' })
      assert.equal(shelf.near(wanted), undefined)
    })

    it('asks once where it knows the marks, and once more where it does not', async () => {
      const { store: own, asked } = counted(store)
      const shelf = openShelf(own, undefined)
      const wanted = { ...fresh(store), marks: ['s:public', 'u:b'] }
      await keep(openShelf(store, undefined), wanted, await marked(['t:a', 't:c', 'u:b']))
      assert.equal(await bodyAt(shelf, wanted), 'one')
      assert.equal(await bodyAt(shelf, wanted), 'one')
      assert.deepEqual(asked, ['find s:public u:b', 'purges t:a t:c', 'find s:public u:b t:a t:c'])
    })

    it('knows the marks of what it has kept itself', async () => {
      const { store: own, asked } = counted(store)
      const shelf = openShelf(own, undefined)
      const wanted = fresh(store)
      await keep(shelf, wanted, await marked(['t:a']))
      assert.equal(await bodyAt(shelf, wanted), 'one')
      assert.deepEqual(asked, ['find t:a'])
    })

    it('knows the marks of each variant', async () => {
      const { store: own, asked } = counted(store)
      const writer = openShelf(store, undefined)
      const german = fresh(store, { accept: 'de' })
      const french = { ...german, headers: { accept: 'fr' } }
      await keep(writer, german, await marked(['t:de']), ['accept'])
      await keep(writer, french, await marked(['t:fr']), ['accept'])
      const shelf = openShelf(own, undefined)
      for (const wanted of [german, french, german, french])
        assert.equal(await bodyAt(shelf, wanted), 'one')
      assert.deepEqual(asked, [
        ...['find ', 'find ', 'purges t:de'],
        ...['find ', 'purges t:fr'],
        ...['find t:de', 'find t:fr'],
      ])
    })

    for (const [says, known] of [
      ['that the request tells', ['t:a']],
      ['that the request does not tell', []],
    ] as const) {
      it(`finds nothing that is purged by a mark ${says}`, async () => {
        const shelf = openShelf(store, undefined)
        const wanted = { ...fresh(store), marks: known }
        await keep(shelf, wanted, await marked(['t:a', 't:b']))
        await shelf.purge(['t:x', 't:a'], false)
        assert.equal(await bodyAt(openShelf(store, undefined), wanted), undefined)
        assert.equal(await bodyAt(shelf, wanted), undefined)
        await keep(shelf, wanted, await marked(['t:a', 't:b']))
        assert.equal(await bodyAt(shelf, wanted), 'one')
      })
    }

    it('finds what is purged by the mark of others', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = { ...fresh(store), marks: ['s:other'] }
      await keep(shelf, wanted, await marked(['t:own']))
      await shelf.purge(['s:other', 't:other'], false)
      assert.equal(await bodyAt(shelf, wanted), 'one')
    })

    it('finds nothing that was being made when it was purged', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      const entry = await marked(['t:making'])
      await shelf.purge(['t:making'], false)
      await keep(shelf, wanted, entry)
      assert.equal(await bodyAt(shelf, wanted), undefined)
    })

    it('finds what is softly purged as stale', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      const entry = await marked(['t:soft'])
      await keep(shelf, wanted, entry)
      await shelf.purge(['t:soft'], true)
      const looked = await shelf.find(wanted)
      assert.ok(looked.kind === 'found' && looked.entry)
      const { lifeMs, body } = looked.entry
      assert.equal(body.toString(), 'one')
      assert.ok(lifeMs <= Date.now() - entry.storedAt, String(lifeMs))
      await shelf.purge(['t:soft'], false)
      assert.equal(await bodyAt(shelf, wanted), undefined)
    })

    it('drops a resource', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      await keep(shelf, wanted, entryOf('one'))
      await shelf.drop(wanted.resource)
      assert.equal(await bodyAt(shelf, wanted), undefined)
    })

    it('writes the head anew, and leaves the body', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      const entry = entryOf('one', { fields: { etag: '"1"' } })
      await keep(shelf, wanted, entry)
      const longer = { ...entry, lifeMs: 120_000, fields: { etag: '"2"' } }
      await shelf.amend(wanted, longer, [], 0)
      assert.deepEqual(await found(shelf, wanted), {
        kind: 'found',
        entry: longer,
        tier: 'store',
      })
    })

    it('says what it saw, usable or not', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store, { accept: 'text/html' })
      assert.deepEqual(await seenAt(shelf, wanted), { vary: [], variant: '', head: undefined })
      const entry = await marked(['t:seen'])
      await keep(shelf, wanted, entry)
      const plain = { key: wanted.resource, variant: '' }
      await shelf.purge(['t:seen'], false)
      assert.deepEqual(await seenAt(shelf, wanted), {
        ...{ vary: [], variant: '' },
        head: encodeEntry(plain, entry).head,
      })
      const vary = ['accept']
      await keep(openShelf(store, undefined), wanted, entry, vary)
      const variant = variantOf(vary, wanted.headers)
      const { head } = encodeEntry({ ...plain, variant }, entry)
      assert.deepEqual(await seenAt(shelf, wanted), { vary, variant, head })
      const headers = { accept: 'text/plain' }
      assert.deepEqual(await seenAt(shelf, { ...wanted, headers }), {
        ...{ vary, variant: variantOf(vary, headers), head: undefined },
      })
    })

    it('has no head without a body', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      await shelf.amend(wanted, entryOf('one'), [], 0)
      assert.equal(await bodyAt(shelf, wanted), undefined)
    })

    it('does not keep what comes from a fill that is somebody else’s by now', async () => {
      const shelf = openShelf(store, undefined)
      const wanted = fresh(store)
      const place = { key: wanted.resource, variant: '' }
      const claim = { token: 'theirs', runner: 'nobody', leaseMs: 10_000 }
      await store.fills.claim(place, claim)
      const answer = { entry: entryOf('one'), names: [], graceMs: 0, began: performance.now() }
      const fill = (token: string) => ({ ...answer, fill: { variant: '', token } })
      assert.equal(await shelf.keep(wanted, fill('ours')), false)
      assert.equal(await bodyAt(shelf, wanted), undefined)
      assert.equal(await shelf.keep(wanted, fill('theirs')), true)
      assert.equal(await bodyAt(shelf, wanted), 'one')
    })
  })
}

describe('processes that have entries at hand', () => {
  let server: TestServer
  const open: Store[] = []
  before(async () => {
    server = await startRedis()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((store) => store.close()))
  })
  after(() => server.stop())

  /** What a process has: a store, and a shelf on which it hears of purges. */
  async function started(options = l1): Promise<{ store: Store; shelf: Shelf }> {
    const store = createStore({ url: server.url, deadline: '1s' })
    open.push(store)
    const shelf = openShelf(store, options)
    await hearing(store, shelf)
    return { store, shelf }
  }

  /** Waits until what it keeps is at hand. */
  async function hearing(store: Store, shelf: Shelf): Promise<void> {
    const wanted = fresh(store)
    await eventually('purges are heard of', async () => {
      await keep(shelf, wanted, entryOf('probe'))
      return shelf.near(wanted)
    })
  }

  /** An entry that both have at hand. */
  async function shared(one: Shelf, other: Shelf, { entries, deadline }: Store): Promise<Wanted> {
    const wanted = fresh({ deadline } as CacheStore)
    const entry = entryOf('one', { marks: ['t:a', 'u:b'], since: await entries.clock() })
    await keep(one, wanted, entry)
    await other.find(wanted)
    assert.ok(one.near(wanted) && other.near(wanted))
    return wanted
  }

  it('are not told where an entry is only read', async () => {
    const [one, other] = [await started(), await started()]
    const wanted = fresh(one.store)
    await keep(one.shelf, wanted, entryOf('one'))
    assert.equal(other.shelf.near(wanted), undefined)
    assert.equal((await other.shelf.find(wanted)).kind, 'found')
    assert.equal(other.shelf.near(wanted)?.body.toString(), 'one')
  })

  it('hear at once what another purges', async () => {
    const [one, other] = [await started(), await started()]
    for (const forget of [
      (_: Wanted) => one.shelf.purge(['t:a'], false),
      (_: Wanted) => one.shelf.purge(['t:a'], true),
      (_: Wanted) => one.store.purge({ tags: ['a'] }),
      ({ resource }: Wanted) => one.shelf.drop(resource),
    ]) {
      const wanted = await shared(one.shelf, other.shelf, one.store)
      const forgotten = forget(wanted)
      assert.equal(one.shelf.near(wanted), undefined)
      await forgotten
      assert.equal(one.shelf.near(wanted), undefined)
      await gone('the other has heard', other.shelf, wanted)
    }
  })

  it('do not take what they read while another purged it', async () => {
    const [one, other] = [await started(), await started()]
    const wanted = { ...fresh(one.store), marks: ['t:a'] }
    const entry = entryOf('one', { marks: ['t:a'], since: await one.store.entries.clock() })
    await keep(one.shelf, wanted, entry)
    // Read before the purge, and slowly.
    let purged: Promise<void> | undefined
    const heard = new Promise<void>((resolve) => {
      void other.store.subscribe(purgeChannel, () => resolve())
    })
    const { find } = other.store.entries
    const slow = openShelf(
      {
        ...other.store,
        entries: Object.assign(other.store.entries, {
          find: async (...args: Parameters<typeof find>) => {
            const found = await find(...args)
            purged = one.shelf.purge(['t:a'], false)
            await purged
            await heard
            return found
          },
        }),
      },
      l1,
    )
    assert.equal(await bodyAt(slow, wanted), 'one')
    assert.equal(other.shelf.near(wanted), undefined)
  })

  it('do not keep what another dropped while they made it', async () => {
    const [one, other] = [await started(), await started()]
    const wanted = fresh(one.store)
    const began = performance.now()
    await one.shelf.drop(wanted.resource)
    await eventually(
      'the other has heard',
      async () => purgesOf(other.store).times.wasNoted(wanted.resource, began) || undefined,
    )
    const answer = { entry: entryOf('one'), names: [], graceMs: 0, began }
    assert.equal(await other.shelf.keep(wanted, answer), false)
    assert.equal(await bodyAt(other.shelf, wanted), undefined)
  })

  it('have nothing for longer than they may, where the message was lost', async () => {
    const [one, other] = [await started(), await started({ ...l1, ttlMs: 300 })]
    const wanted = await shared(one.shelf, other.shelf, one.store)
    await one.store.entries.purge(['t:a'], false)
    await gone('its time is over', other.shelf, wanted)
    assert.equal(await bodyAt(other.shelf, wanted), undefined)
  })

  it('hear of purges again after the connection was lost', async () => {
    const [one, other] = [await started(), await started()]
    const admin = server.client()
    assert.ok(Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')) >= 2)
    await eventually('both listen again', async () => {
      const [, listening] = (await admin.pubsub('NUMSUB', purgeChannel)) as [string, number]
      return listening === 2 ? true : undefined
    })
    const wanted = await shared(one.shelf, other.shelf, one.store)
    await one.shelf.purge(['t:a'], false)
    await gone('the other has heard', other.shelf, wanted)
  })

  it('find no stale entry at hand: another may have made a new one', async () => {
    const { store, shelf } = await started()
    const wanted = fresh(store)
    const entry = entryOf('one', { lifeMs: 100, swrMs: 60_000 })
    await keep(shelf, wanted, entry)
    assert.ok(shelf.near(wanted))
    await gone('it is stale', shelf, wanted)
    assert.equal(await bodyAt(shelf, wanted), 'one')
    assert.equal(shelf.near(wanted), undefined)
  })

  it('send nothing for what is at hand, and for the rest one round trip', async () => {
    const proxy = await startCountingProxy(server)
    const [writer, reader] = [await started(), createStore({ url: proxy.url, deadline: '1s' })]
    open.push(reader)
    const shelf = openShelf(reader, l1)
    await hearing(reader, shelf)
    const wanted = { ...fresh(reader), marks: ['s:public', 't:a'] }
    const since = await writer.store.entries.clock()
    await keep(writer.shelf, wanted, entryOf('one', { marks: wanted.marks, since }))
    proxy.reset()
    assert.equal(await bodyAt(shelf, wanted), 'one')
    assert.deepEqual([proxy.roundTrips, proxy.commands], [1, ['HMGET', 'MGET']])
    assert.equal(shelf.near(wanted)?.body.toString(), 'one')
    assert.equal(proxy.roundTrips, 1)
    await reader.close()
    await proxy.close()
  })

  it('keep a body of 200 KB in little more than its bytes', async () => {
    const { store, shelf } = await started()
    const wanted = fresh(store)
    const fields = { 'content-type': 'text/html; charset=utf-8', etag: '"abcdefghijklmnop"' }
    const marks = ['s:public', `u:${'x'.repeat(43)}`]
    const entry = entryOf(Buffer.alloc(200_000, 'é'), { fields, marks })
    await keep(shelf, wanted, entry)
    const client = server.client()
    const lengths = await Promise.all(
      ['vary', 'head', 'body'].map((field) => client.hstrlen(wanted.resource, field)),
    )
    const [, , body = 0] = lengths
    const stored = lengths.reduce((sum, length) => sum + length, 0)
    assert.equal(body, 200_000)
    assert.ok(stored <= 201_000, String(stored))
  })
})

describe('purges where the store is away', () => {
  it('fail, and are done here all the same', async () => {
    const server = await startRedis()
    const store = createStore({ url: server.url })
    const shelf = openShelf(store, l1)
    const wanted = fresh(store)
    try {
      await eventually('it is at hand', async () => {
        const since = await store.entries.clock()
        await keep(shelf, wanted, entryOf('one', { marks: ['t:a'], since }))
        return shelf.near(wanted)
      })
      server.freeze()
      await assert.rejects(store.purge({ tags: ['a'] }), StoreError)
      assert.equal(shelf.near(wanted), undefined)
      await assert.rejects(shelf.drop(wanted.resource), StoreError)
    } finally {
      server.thaw()
      await store.close()
      await server.stop()
    }
  })
})

describe('purges of one process', () => {
  it('catch what is read while they are on their way to the store', async () => {
    const sound = createStore({ provider: 'embedded' })
    const store = { ...sound, publish: async () => {} }
    const shelf = openShelf(store, l1)
    const wanted = { ...fresh(store), marks: ['t:a'] }
    await eventually('it is at hand', async () => {
      const since = await store.entries.clock()
      await keep(shelf, wanted, entryOf('one', { marks: ['t:a'], since }))
      return shelf.near(wanted)
    })
    const { purge } = store.entries
    Object.assign(store.entries, {
      purge: async (...args: Parameters<typeof purge>) => {
        await sleep(2)
        assert.equal(await bodyAt(shelf, wanted), 'one')
        assert.ok(shelf.near(wanted))
        return purge(...args)
      },
    })
    await shelf.purge(['t:a'], false)
    assert.equal(shelf.near(wanted), undefined)
    await sound.close()
  })
})

describe('store.purge', () => {
  const store = createStore({ provider: 'embedded' })
  after(() => store.close())

  it('gives the bytes away that came for one look, but no window on others', async () => {
    const wanted = fresh(store)
    await keep(openShelf(store, undefined), wanted, entryOf('one'))
    const { find } = store.entries
    const given = async (bytesOf: (body: Buffer) => Buffer) => {
      const entries: CacheStore['entries'] = {
        ...store.entries,
        find: async (...args) => {
          const found = await find(...args)
          const { entry } = found
          return { ...found, entry: entry && { head: entry.head, body: bytesOf(entry.body) } }
        },
      }
      const looked = await openShelf({ ...store, entries }, undefined).find(wanted)
      return looked.kind === 'found' ? looked.ownBody?.toString() : looked
    }
    assert.equal(await given((body) => Buffer.concat([body], 3)), undefined)
    const alone = (body: Buffer) => {
      const own = Buffer.allocUnsafeSlow(body.length)
      body.copy(own)
      return own
    }
    assert.equal(await given(alone), 'one')
  })

  it('purges by tags, and leaves others', async () => {
    const shelf = openShelf(store, undefined)
    const [one, other] = [fresh(store), fresh(store)]
    const since = await store.entries.clock()
    await keep(shelf, one, entryOf('one', { marks: ['t:7', 't:a%20b'], since }))
    await keep(shelf, other, entryOf('two', { marks: ['t:8'], since }))
    await store.purge({ tags: [] })
    assert.equal(await bodyAt(shelf, one), 'one')
    await store.purge({ tags: ['a b', 9] })
    assert.equal(await bodyAt(shelf, one), undefined)
    assert.equal(await bodyAt(shelf, other), 'two')
  })

  it('refuses what it cannot work with', async () => {
    const wrong: [unknown, RegExp][] = [
      [{ tags: 'a' }, /`purge.tags` must be a list of tags/],
      [{}, /`purge.tags` must be a list of tags/],
      [{ tags: ['a'], hard: true }, /`purge.hard` must be one of tags, soft/],
      [{ tags: ['a'], soft: 1 }, /`purge.soft` must be true or false/],
      [{ tags: ['a', ''] }, /A tag must not be empty/],
      [undefined, /`purge` must be an object/],
    ]
    for (const [which, message] of wrong)
      await assert.rejects(store.purge(which as { tags: string[] }), message)
  })
})
