import assert from 'node:assert/strict'
import type { SessionKeys } from '../lib/keys.ts'
import {
  bounds,
  changing,
  everything,
  keptFor,
  listed,
  message,
  messages,
  metaOf,
  minuteMs,
  session,
} from './conversation.ts'
import { failsWith, pause } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** How sessions and their messages change, on every provider. */
export function changesContract(suite: Suite): void {
  const { describe } = suite
  describe('a message that is changed', () => updating(suite))
  describe('a change', () => anyChange(suite))
}

const text = (words: string) => Buffer.from(words)

function updating({ open, it }: Suite): void {
  it('keeps its position, and has another content', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauaua'), bounds({ max: 5, keep: 4 }))
    const entry = { id: 'm5', role: 'a', tokens: 7, payload: text('x|y\0') } as const
    const done = await open().history.update(keys, entry, changing())
    assert.deepEqual(done, { kind: 'changed', rev: 2 })
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual(
      entries.map(({ id, seq }) => `${seq} ${id}`),
      ['3 m3', '4 m4', '5 m5', '6 m6'],
    )
    assert.deepEqual(entries[2], { ...entry, seq: 5 })
    assert.deepEqual([meta?.tokens, meta?.seq, meta?.length], [37, 6, 4])
    const added = await open().history.append(keys, messages('u', 5), bounds())
    assert.equal(added.kind === 'appended' && added.duplicates, 1)
  })

  it('is absent where it was never kept, was cut, or there is no session', async () => {
    const keys = session()
    const update = (of: SessionKeys, id: string) =>
      open().history.update(of, message(id), changing())
    await open().history.append(keys, messages('uauaua'), bounds({ max: 5, keep: 4 }))
    const before = await open().history.read(keys, everything)
    for (const id of ['m1', 'm7', 'rev'])
      assert.deepEqual(await update(keys, id), { kind: 'absent' })
    assert.deepEqual(await open().history.read(keys, everything), before)
    const other = session()
    assert.deepEqual(await update(other, 'm1'), { kind: 'absent' })
    assert.equal(await open().exists([other.session, other.index]), 0)
  })

  it('changes the system message where it is the newest', async () => {
    const keys = session()
    await open().history.append(keys, messages('sus'), bounds())
    await open().history.update(keys, message('m1', 's', 'older'), changing())
    assert.deepEqual((await metaOf(open, keys))?.system, { ...messages('s', 3)[0], seq: 3 })
    await open().history.update(keys, message('m3', 's', 'newer'), changing())
    assert.deepEqual((await metaOf(open, keys))?.system?.payload, text('newer'))
  })

  it('leaves a system message that is not among the messages', async () => {
    const keys = session()
    await open().history.append(keys, messages('su'), bounds())
    await open().history.amend(keys, { system: message('own', 's') }, changing())
    await open().history.update(keys, message('m1', 's', 'older'), changing())
    assert.equal((await metaOf(open, keys))?.system?.id, 'own')
  })
}

function anyChange({ open, it }: Suite): void {
  const kinds = {
    amend: (keys: SessionKeys, limits = changing()) =>
      open().history.amend(keys, { title: text('new') }, limits),
    update: (keys: SessionKeys, limits = changing()) =>
      open().history.update(keys, message('m1', 'u', fresh('text')), limits),
    rewind: (keys: SessionKeys, limits = changing()) => open().history.rewind(keys, 'm3', limits),
  } as const

  for (const [name, change] of Object.entries(kinds)) {
    it(`of kind ${name} is made only at the revision asked for`, async () => {
      const keys = session()
      assert.deepEqual(await change(keys, changing({ ifRev: 3 })), { kind: 'conflict', rev: 0 })
      await open().history.append(keys, messages('uauaua'), bounds())
      const before = await open().history.read(keys, everything)
      assert.deepEqual(await change(keys, changing({ ifRev: 0 })), { kind: 'conflict', rev: 1 })
      assert.deepEqual(await open().history.read(keys, everything), before)
      const done = await change(keys, changing({ ifRev: 1 }))
      assert.deepEqual('rev' in done && done.rev, 2)
    })

    it(`of kind ${name} renews the time to live, and is activity`, async () => {
      const owner = fresh('owner')
      const [keys, other] = [session(owner), session(owner)]
      await open().history.append(keys, messages('uauaua'), bounds({ ttlMs: 30_000 }))
      await pause(3)
      await open().history.append(other, messages('u'), bounds({ ttlMs: 5 * minuteMs }))
      await pause(3)
      await change(keys)
      await keptFor(open, { ...keys, index: keys.session }, minuteMs)
      const left = await open().ttl(keys.index)
      assert.ok(left !== undefined && left > 4 * minuteMs, `the index is kept for ${left}`)
      assert.deepEqual(await listed(open, keys), [keys.id, other.id])
      const meta = await metaOf(open, keys)
      assert.ok(meta && meta.updatedAt > meta.createdAt)
      await change(keys, changing({ ttlMs: undefined }))
      if (name !== 'rewind') assert.equal(await open().ttl(keys.session), Number.POSITIVE_INFINITY)
    })

    it(`of kind ${name} is refused under the seal of another`, async () => {
      const keys = session()
      await open().history.append(keys, messages('uauaua'), bounds())
      const before = await open().history.read(keys, everything)
      await failsWith('corrupt', change({ ...keys, seal: 'another' }))
      assert.deepEqual(await open().history.read(keys, everything), before)
    })

    it(`of kind ${name} is refused where a value stands`, async () => {
      const keys = session()
      await open().set(keys.session, text('1'), minuteMs)
      await failsWith('corrupt', change(keys))
      assert.deepEqual(await open().get(keys.session), text('1'))
    })
  }
}
