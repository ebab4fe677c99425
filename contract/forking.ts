import assert from 'node:assert/strict'
import type { SessionKeys } from '../lib/keys.ts'
import {
  appendMany,
  bounds,
  changing,
  everything,
  kept,
  keptFor,
  listed,
  message,
  messages,
  metaOf,
  minuteMs,
  session,
} from './conversation.ts'
import { failsWith } from './expectations.ts'
import { fieldBounds, fieldMap, stateOf } from './field-values.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** How a conversation goes on in another session, on every provider. */
export function forkingContract(suite: Suite): void {
  suite.describe('forking', () => {
    copies(suite)
    copiesOfMany(suite)
    apart(suite)
    refused(suite)
  })
}

const text = (words: string) => Buffer.from(words)

/** A session with everything that a fork takes along or leaves, and its state. */
async function whole({ open }: Suite, keys: SessionKeys): Promise<void> {
  await open().history.append(keys, messages('suauaua'), bounds({ title: text('title') }))
  const changes = {
    meta: text('meta'),
    pinned: true,
    summary: { through: 3, after: 0, payload: text('so far') },
  }
  await open().history.amend(keys, changes, changing())
  await open().fields.write(stateOf(keys), fieldMap({ plan: 'a' }), fieldBounds())
}

function copies(suite: Suite): void {
  const { open, it } = suite

  it('copies all: messages, title, meta, system message, summary, state', async () => {
    const owner = fresh('owner')
    const [from, to] = [session(owner, 'from'), session(owner, 'to')]
    await whole(suite, from)
    const before = await open().history.read(from, everything)
    const done = await open().history.fork(from, to, undefined, minuteMs)
    assert.deepEqual(done, { kind: 'forked', rev: 1, length: 7 })
    const { meta, entries } = await open().history.read(to, everything)
    assert.deepEqual(entries, before.entries)
    assert.deepEqual(meta, {
      ...before.meta,
      rev: 1,
      pinned: false,
      createdAt: meta?.createdAt,
      updatedAt: meta?.createdAt,
    })
    assert.ok(meta && before.meta && meta.createdAt >= before.meta.updatedAt)
    const state = await open().fields.read(stateOf(to), undefined, undefined)
    assert.deepEqual(state, fieldMap({ plan: 'a' }))
    assert.deepEqual(await open().history.read(from, everything), before)
  })

  it('copies up to a message and with it', async () => {
    const owner = fresh('owner')
    const [from, to, less] = [session(owner), session(owner), session(owner)]
    await whole(suite, from)
    await open().history.fork(from, to, 'm4', minuteMs)
    const meta = await metaOf(open, to)
    assert.deepEqual([meta?.seq, meta?.length, meta?.tokens], [4, 4, 40])
    assert.equal(meta?.summary?.through, 3)
    assert.deepEqual(await kept(open, to), ['suau', [1, 2, 3, 4]])
    await open().history.fork(from, less, 'm2', minuteMs)
    assert.equal((await metaOf(open, less))?.summary, undefined)
    assert.equal((await metaOf(open, less))?.system?.id, 'm1')
  })

  it('has the system message that was the newest at that point', async () => {
    const owner = fresh('owner')
    const [from, to, first] = [session(owner), session(owner), session(owner)]
    await open().history.append(from, messages('usud'), bounds())
    await open().history.fork(from, to, 'm3', minuteMs)
    assert.equal((await metaOf(open, to))?.system?.id, 'm2')
    await open().history.fork(from, first, 'm1', minuteMs)
    assert.equal((await metaOf(open, first))?.system, undefined)
  })
}

function copiesOfMany({ open, it }: Suite): void {
  it('copies thousands', async () => {
    const owner = fresh('owner')
    const [from, to, half] = [session(owner), session(owner), session(owner)]
    const all = messages('ua'.repeat(5_000))
    await appendMany(open, from, all)
    const done = await open().history.fork(from, to, undefined, minuteMs)
    assert.equal(done.kind === 'forked' && done.length, 10_000)
    await open().history.fork(from, half, 'm5000', minuteMs)
    const { meta, entries } = await open().history.read(half, everything)
    assert.deepEqual([meta?.length, meta?.tokens, entries.at(-1)?.id], [5_000, 50_000, 'm5000'])
    const again = await open().history.append(
      half,
      all.slice(4_998, 5_002),
      bounds({ max: 10_000 }),
    )
    assert.equal(again.kind === 'appended' && again.added, 2)
  })
}

function apart({ open, it }: Suite): void {
  it('goes on apart from the session it came from', async () => {
    const owner = fresh('owner')
    const [from, to] = [session(owner, 'from'), session(owner, 'to')]
    await open().history.append(from, messages('uaua'), bounds({ ttlMs: 5 * minuteMs }))
    await open().history.fork(from, to, 'm2', minuteMs)
    await keptFor(open, { ...to, index: to.session }, minuteMs)
    assert.deepEqual((await listed(open, from)).sort(), ['from', 'to'])
    const added = await open().history.append(to, [message('m3'), message('own')], bounds())
    assert.deepEqual(added.kind === 'appended' && [added.rev, added.seq, added.added], [2, 4, 2])
    await open().history.update(to, message('m1', 'u', 'mine'), changing())
    assert.deepEqual(await kept(open, from), ['uaua', [1, 2, 3, 4]])
    await open().history.remove(from)
    const { entries } = await open().history.read(to, everything)
    assert.deepEqual(
      entries.map(({ payload }) => payload.toString()),
      ['mine', 'text of m2', 'text of m3', 'text of own'],
    )
  })
}

function refused({ open, it }: Suite): void {
  it('takes the place of no session', async () => {
    const owner = fresh('owner')
    const [from, to] = [session(owner), session(owner)]
    await open().history.append(from, messages('ua'), bounds())
    await open().history.append(to, messages('u', 9), bounds())
    const before = await open().history.read(to, everything)
    assert.deepEqual(await open().history.fork(from, to, undefined, minuteMs), { kind: 'exists' })
    assert.deepEqual(await open().history.fork(from, from, 'm1', minuteMs), { kind: 'exists' })
    assert.deepEqual(await open().history.read(to, everything), before)
    assert.deepEqual(await kept(open, from), ['ua', [1, 2]])
  })

  it('makes nothing of a session or a message that is not there', async () => {
    const owner = fresh('owner')
    const [from, to] = [session(owner), session(owner)]
    assert.deepEqual(await open().history.fork(from, to, undefined, minuteMs), { kind: 'absent' })
    await open().history.append(from, messages('ua'), bounds())
    assert.deepEqual(await open().history.fork(from, to, 'm3', minuteMs), { kind: 'absent' })
    assert.deepEqual(await open().keys(`${to.session}*`), [])
  })

  it('copies a session without messages, also for good', async () => {
    const owner = fresh('owner')
    const [from, to] = [session(owner), session(owner)]
    await open().history.amend(from, { title: text('title') }, changing())
    const done = await open().history.fork(from, to, undefined, undefined)
    assert.deepEqual(done, { kind: 'forked', rev: 1, length: 0 })
    assert.deepEqual((await metaOf(open, to))?.title, text('title'))
    assert.equal(await open().ttl(to.session), Number.POSITIVE_INFINITY)
    assert.equal(await open().ttl(to.index), Number.POSITIVE_INFINITY)
  })

  it('is refused under the seal of another', async () => {
    const owner = fresh('owner')
    const [from, to] = [session(owner), session(owner)]
    await open().history.append(from, messages('ua'), bounds())
    const copy = open().history.fork({ ...from, seal: 'another' }, to, undefined, minuteMs)
    await failsWith('corrupt', copy)
    assert.equal(await open().exists([to.session]), 0)
  })
}
