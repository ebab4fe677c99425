import assert from 'node:assert/strict'
import type { SessionKeys } from '../lib/keys.ts'
import type { Changes } from '../lib/ports/history.ts'
import {
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
import type { Suite } from './suite.ts'

/** What stands beside the messages of a session, on every provider. */
export function amendingContract(suite: Suite): void {
  const { describe } = suite
  describe('what stands beside messages', () => {
    amending(suite)
    making(suite)
  })
  describe('a summary', () => summaries(suite))
}

const text = (words: string) => Buffer.from(words)

function amending({ open, it }: Suite): void {
  const amend = (keys: SessionKeys, changes: Changes) =>
    open().history.amend(keys, changes, changing())

  it('is changed in part: what is not named stays', async () => {
    const keys = session()
    await open().history.append(keys, messages('ua'), bounds({ title: text('first') }))
    assert.deepEqual(await amend(keys, { meta: text('a\0b'), pinned: true }), {
      kind: 'changed',
      rev: 2,
    })
    assert.deepEqual(await amend(keys, { title: text('second') }), { kind: 'changed', rev: 3 })
    const meta = await metaOf(open, keys)
    assert.deepEqual([meta?.title, meta?.meta, meta?.pinned], [text('second'), text('a\0b'), true])
    assert.deepEqual([meta?.rev, meta?.seq, meta?.length, meta?.tokens], [3, 2, 2, 20])
    assert.deepEqual(await kept(open, keys), ['ua', [1, 2]])
  })

  it('is removed by null, and a pin by false', async () => {
    const keys = session()
    const system = message('rules', 's')
    await open().history.append(keys, [system], bounds({ title: text('first') }))
    await amend(keys, { meta: text('x'), pinned: true })
    await amend(keys, { title: null, meta: null, system: null, pinned: false })
    const meta = await metaOf(open, keys)
    assert.deepEqual(
      [meta?.title, meta?.meta, meta?.system, meta?.pinned],
      [undefined, undefined, undefined, false],
    )
    assert.deepEqual((await kept(open, keys))[0], 's')
  })

  it('takes a first title only where there is none', async () => {
    const keys = session()
    await open().history.append(keys, messages('u'), bounds())
    await amend(keys, { firstTitle: text('one') })
    await amend(keys, { firstTitle: text('two') })
    const meta = await metaOf(open, keys)
    assert.deepEqual([meta?.title, meta?.rev], [text('one'), 2])
    await amend(keys, { title: null, firstTitle: text('three') })
    assert.deepEqual((await metaOf(open, keys))?.title, text('three'))
    await amend(keys, { title: text('four'), firstTitle: text('five') })
    assert.deepEqual((await metaOf(open, keys))?.title, text('four'))
  })

  it('has a system message of its own, in the place of the newest', async () => {
    const keys = session()
    await open().history.append(keys, messages('su'), bounds())
    const system = message('rules', 'd', 'a|b')
    await amend(keys, { system })
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual(meta?.system, { ...system, seq: 2 })
    assert.equal(entries.map(({ role }) => role).join(''), 'su')
    await open().history.append(keys, [message('newer', 's')], bounds())
    assert.equal((await metaOf(open, keys))?.system?.id, 'newer')
  })

  it('is a copy of what was handed in', async () => {
    const keys = session()
    const [title, meta, payload] = [text('title'), text('meta'), text('rules')]
    await amend(keys, { title, meta, system: { ...message('s', 's'), payload } })
    for (const bytes of [title, meta, payload]) bytes.fill('x')
    const found = await metaOf(open, keys)
    const texts = [found?.title, found?.meta, found?.system?.payload].map(String)
    assert.deepEqual(texts, ['title', 'meta', 'rules'])
  })
}

function making({ open, it }: Suite): void {
  for (const [what, changes] of [
    ['title', { title: text('new') }],
    ['removal of a title', { title: null }],
    ['meta', { meta: text('new') }],
    ['pin', { pinned: true }],
    ['system message', { system: message('rules', 's') }],
  ] as const)
    it(`makes a session that is not there, of a ${what}`, async () => {
      const keys = session()
      const done = await open().history.amend(keys, changes, changing({ ifRev: 0 }))
      assert.deepEqual(done, { kind: 'changed', rev: 1 })
      const meta = await metaOf(open, keys)
      assert.deepEqual([meta?.rev, meta?.seq, meta?.length, meta?.tokens], [1, 0, 0, 0])
      assert.equal(meta?.createdAt, meta?.updatedAt)
      assert.ok(Math.abs((meta?.createdAt ?? 0) - Date.now()) < minuteMs)
      assert.deepEqual(await listed(open, keys), [keys.id])
      await keptFor(open, keys, minuteMs)
      const added = await open().history.append(keys, messages('u'), bounds())
      assert.deepEqual(added.kind === 'appended' && [added.rev, added.seq, added.created], [
        2,
        1,
        false,
      ])
    })

  it('makes none of a first title, of a summary, or of nothing', async () => {
    const keys = session()
    for (const changes of [
      {},
      { firstTitle: text('x') },
      { summary: { through: 0, after: 0, payload: text('x') } },
    ])
      assert.deepEqual(await open().history.amend(keys, changes, changing()), { kind: 'absent' })
    assert.equal(await open().exists([keys.session, keys.index]), 0)
  })
}

function summaries({ open, it }: Suite): void {
  const summarize = (keys: SessionKeys, through: number, after: number, words = `${through}`) =>
    open().history.amend(keys, { summary: { through, after, payload: text(words) } }, changing())

  it('stands for messages that stay where they are', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauaua'), bounds())
    await summarize(keys, 2, 0, 'a|b')
    assert.deepEqual((await metaOf(open, keys))?.summary, { through: 2, payload: text('a|b') })
    assert.deepEqual((await kept(open, keys))[1], [1, 2, 3, 4, 5, 6])
  })

  it('takes the place of the one it goes on from, and of no other', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauaua'), bounds())
    await summarize(keys, 2, 0)
    assert.deepEqual(await summarize(keys, 3, 0), { kind: 'changed', rev: 2 })
    assert.deepEqual(await summarize(keys, 3, 1), { kind: 'changed', rev: 2 })
    assert.equal((await metaOf(open, keys))?.summary?.through, 2)
    await summarize(keys, 4, 2)
    assert.equal((await metaOf(open, keys))?.summary?.through, 4)
  })

  it('reaches no further than the messages, and not to those that were cut', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauauaua'), bounds({ max: 6, keep: 4 }))
    assert.deepEqual((await kept(open, keys))[1], [5, 6, 7, 8])
    for (const through of [9, 3]) await summarize(keys, through, 0)
    assert.equal((await metaOf(open, keys))?.summary, undefined)
    await summarize(keys, 4, 0)
    assert.equal((await metaOf(open, keys))?.summary?.through, 4)
    await summarize(keys, 8, 4)
    assert.equal((await metaOf(open, keys))?.summary?.through, 8)
  })

  it('stays when its messages are cut', async () => {
    const keys = session()
    await open().history.append(keys, messages('uaua'), bounds())
    await summarize(keys, 2, 0)
    await open().history.append(keys, messages('uauaua', 5), bounds({ max: 6, keep: 4 }))
    assert.deepEqual((await metaOf(open, keys))?.summary, { through: 2, payload: text('2') })
  })
}
