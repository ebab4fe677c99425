import assert from 'node:assert/strict'
import type { SessionKeys } from '../lib/keys.ts'
import type { ListCursor } from '../lib/ports/history.ts'
import { bounds, everything, message, messages, minuteMs, session } from './conversation.ts'
import { eventually, failsWith, pause, within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Opened, Suite } from './suite.ts'

/** How long sessions are kept and how they are found again, on every provider. */
export function historyKeepingContract(suite: Suite): void {
  const { describe } = suite
  describe('the time a session is kept', () => timesToLive(suite))
  describe('listing', () => listing(suite))
  describe('removing', () => removing(suite))
  describe('a session that is not as it was left', () => damage(suite))
}

async function append(open: Opened, keys: SessionKeys, id = fresh('m')): Promise<void> {
  await open().history.append(keys, [message(id)], bounds())
}

async function listed(open: Opened, index: string): Promise<string[]> {
  return (await open().history.list(index, { limit: 100, after: undefined })).map(({ id }) => id)
}

function timesToLive({ open, it }: Suite): void {
  const appendFor = (keys: SessionKeys, ttlMs: number | undefined, id = fresh('m')) =>
    open().history.append(keys, [message(id)], bounds({ ttlMs }))

  it('is renewed by an append, also by one that adds nothing', async () => {
    const keys = session()
    await appendFor(keys, minuteMs, 'a')
    for (const entries of [[message('b')], [message('a')], []]) {
      await open().expire(keys.session, minuteMs / 2)
      await open().history.append(keys, entries, bounds())
      const left = await open().ttl(keys.session)
      assert.ok(left !== undefined && left > minuteMs / 2 && left <= minuteMs, `${left}`)
    }
  })

  it('ends with session, messages and index', async () => {
    const keys = session()
    await appendFor(keys, 40)
    await eventually(async () => (await open().exists([keys.session])) === 0)
    assert.deepEqual(await open().history.read(keys, everything), { meta: undefined, entries: [] })
    assert.deepEqual(await listed(open, keys.index), [])
    await eventually(async () => (await open().keys(`${keys.index}*`)).length === 0)
  })

  it('begins anew after the end', async () => {
    const keys = session()
    await appendFor(keys, 40)
    await eventually(async () => (await open().exists([keys.session])) === 0)
    const done = await appendFor(keys, minuteMs)
    assert.ok(done.kind === 'appended')
    assert.deepEqual([done.rev, done.seq, done.created], [1, 1, true])
  })

  it('has no end without a time to live', async () => {
    const keys = session()
    await appendFor(keys, minuteMs)
    await appendFor(keys, undefined)
    assert.equal(await open().ttl(keys.session), Number.POSITIVE_INFINITY)
    assert.equal(await open().ttl(keys.index), Number.POSITIVE_INFINITY)
  })

  it('is renewed by a read that asks for it, and left by one that does not', async () => {
    const keys = session()
    await appendFor(keys, minuteMs)
    await open().history.read(keys, everything)
    within(await open().ttl(keys.session), minuteMs)
    await open().history.read(keys, { ...everything, ttlMs: 5 * minuteMs })
    for (const key of [keys.session, keys.index]) {
      const left = await open().ttl(key)
      assert.ok(left !== undefined && left > 4 * minuteMs && left <= 5 * minuteMs, `${left}`)
    }
  })

  it('is at least as long for the index as for the longest session', async () => {
    const owner = fresh('owner')
    const [long, short] = [session(owner, 'long'), session(owner, 'short')]
    await appendFor(long, 5 * minuteMs)
    await appendFor(short, minuteMs)
    const left = await open().ttl(long.index)
    assert.ok(left !== undefined && left > 4 * minuteMs, `${left}`)
    await appendFor(long, undefined)
    await appendFor(short, minuteMs)
    assert.equal(await open().ttl(long.index), Number.POSITIVE_INFINITY)
  })
}

function listing({ open, it }: Suite): void {
  it('knows none of an owner without sessions', async () => {
    assert.deepEqual(await listed(open, session().index), [])
  })

  it('puts the last active first, with what is known of each', async () => {
    const owner = fresh('owner')
    const ids = ['one', 'two', 'three']
    for (const id of [...ids, 'one']) {
      await append(open, session(owner, id))
      await pause(3)
    }
    const { index } = session(owner)
    assert.deepEqual(await listed(open, index), ['one', 'three', 'two'])
    const [first] = await open().history.list(index, { limit: 1, after: undefined })
    const { meta } = await open().history.read(session(owner, 'one'), everything)
    assert.deepEqual(first, { id: 'one', meta })
  })

  it('goes on after a cursor, each session once, the greater id first in one millisecond', async () => {
    const owner = fresh('owner')
    await Promise.all(Array.from({ length: 25 }, (_, at) => append(open, session(owner, `s${at}`))))
    const { index } = session(owner)
    const seen: ListCursor[] = []
    for (;;) {
      const page = await open().history.list(index, { limit: 4, after: seen.at(-1) })
      if (page.length === 0) break
      assert.ok(page.length <= 4, `a page of ${page.length} where 4 were asked for`)
      seen.push(...page.map(({ id, meta }) => ({ at: meta.updatedAt, id })))
      assert.ok(seen.length <= 25, `${seen.length} sessions where there are 25`)
    }
    const sorted = seen.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    assert.deepEqual(seen, sorted)
    assert.equal(new Set(seen.map(({ id }) => id)).size, 25)
  })

  it('fills a page beyond sessions that are gone', async () => {
    const owner = fresh('owner')
    const all = Array.from({ length: 12 }, (_, at) => session(owner, `s${at}`))
    for (const keys of all) await append(open, keys)
    await open().delete(all.slice(3).map((keys) => keys.session))
    const page = await open().history.list(session(owner).index, { limit: 3, after: undefined })
    assert.deepEqual(page.map(({ id }) => id).sort(), ['s0', 's1', 's2'])
  })

  it('keeps owners apart', async () => {
    const [ann, bob] = [session(), session()]
    await append(open, ann)
    await append(open, bob)
    assert.deepEqual(await listed(open, ann.index), [ann.id])
  })

  it('shows none after their keys were removed by a pattern', async () => {
    const owner = fresh('owner')
    for (const id of ['one', 'two']) await append(open, session(owner, id))
    const { index } = session(owner)
    const removed = await open().deletePattern(`${index}:*`)
    assert.ok(removed >= 2, `${removed} keys of two sessions were removed`)
    assert.deepEqual(await listed(open, index), [])
    assert.deepEqual((await open().history.read(session(owner, 'one'), everything)).entries, [])
  })
}

function removing({ open, it }: Suite): void {
  it('says whether the session was there', async () => {
    const keys = session()
    await append(open, keys)
    assert.equal(await open().history.remove(keys), true)
    assert.equal(await open().history.remove(keys), false)
  })

  it('leaves no key, and the other sessions', async () => {
    const owner = fresh('owner')
    const [one, two] = [session(owner, 'one'), session(owner, 'two')]
    await append(open, one)
    await append(open, two)
    await open().history.remove(one)
    assert.deepEqual(await open().keys(`${one.session}*`), [])
    assert.deepEqual(await listed(open, one.index), ['two'])
    await open().history.remove(two)
    assert.equal(await open().exists([one.index]), 0)
  })

  it('lets a later append begin anew', async () => {
    const keys = session()
    await open().history.append(keys, messages('suaua'), bounds({ title: Buffer.from('old') }))
    await open().history.remove(keys)
    await open().history.append(keys, messages('u'), bounds({ ifRev: 0 }))
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual(
      [meta?.rev, meta?.seq, meta?.title, meta?.system],
      [1, 1, undefined, undefined],
    )
    assert.deepEqual(entries, [{ ...message('m1'), seq: 1 }])
  })
}

function damage({ open, it }: Suite): void {
  it('is listed again by the next append when its index was lost', async () => {
    const keys = session()
    await append(open, keys)
    await open().delete([keys.index])
    assert.deepEqual(await listed(open, keys.index), [])
    await append(open, keys)
    assert.deepEqual(await listed(open, keys.index), [keys.id])
    within(await open().ttl(keys.index), minuteMs)
    assert.equal((await open().history.read(keys, everything)).entries.length, 2)
  })

  it('begins anew when its key was deleted', async () => {
    const keys = session()
    await open().history.append(keys, messages('ua'), bounds())
    await open().delete([keys.session])
    assert.deepEqual(await open().history.read(keys, everything), { meta: undefined, entries: [] })
    await open().history.append(keys, messages('u', 3), bounds())
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual([meta?.rev, meta?.length, entries.length], [1, 1, 1])
    assert.equal(entries[0]?.id, 'm3')
  })

  it('is corrupt under the seal of another', async () => {
    const keys = session()
    await append(open, keys)
    const other = { ...keys, seal: 'another seal' }
    await failsWith('corrupt', open().history.read(other, everything))
    await failsWith('corrupt', open().history.append(other, [message('x')], bounds()))
    assert.equal((await open().history.read(keys, everything)).entries.length, 1)
  })

  it('is corrupt where a value stands', async () => {
    const keys = session()
    await open().set(keys.session, Buffer.from('1'), minuteMs)
    await failsWith('corrupt', open().history.read(keys, everything))
    await failsWith('corrupt', open().history.append(keys, [message('x')], bounds()))
    assert.deepEqual(await open().get(keys.session), Buffer.from('1'))
  })

  it('is no value and no number', async () => {
    const keys = session()
    await append(open, keys)
    for (const key of [keys.session, keys.index]) {
      await failsWith('corrupt', open().get(key))
      await failsWith('corrupt', open().incr(key, 1))
      assert.deepEqual(await open().mget([key]), [undefined])
    }
  })
}
