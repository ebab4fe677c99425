import assert from 'node:assert/strict'
import type { SessionKeys } from '../lib/keys.ts'
import {
  appendMany,
  bounds,
  changing,
  everything,
  kept,
  listed,
  message,
  messages,
  metaOf,
  session,
} from './conversation.ts'
import type { Suite } from './suite.ts'

/** How a conversation goes back, on every provider. */
export function rewindingContract(suite: Suite): void {
  suite.describe('rewinding', () => {
    rewinding(suite)
    dependents(suite)
  })
}

const text = (words: string) => Buffer.from(words)

function rewinding({ open, it }: Suite): void {
  const rewind = (keys: SessionKeys, id: string) => open().history.rewind(keys, id, changing())

  it('removes a message and all after it; positions are given anew', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauaua'), bounds({ max: 5, keep: 4 }))
    assert.deepEqual(await rewind(keys, 'm5'), { kind: 'rewound', rev: 2, removed: 2 })
    const meta = await metaOf(open, keys)
    assert.deepEqual([meta?.rev, meta?.seq, meta?.length, meta?.tokens], [2, 4, 2, 20])
    const added = await open().history.append(keys, messages('ua', 5), bounds())
    assert.equal(added.kind === 'appended' && added.added, 2)
    const { entries } = await open().history.read(keys, everything)
    assert.deepEqual(
      entries.map(({ seq, id }) => `${seq} ${id}`),
      ['3 m3', '4 m4', '5 m5', '6 m6'],
    )
  })

  it('may remove all: the session stays', async () => {
    const keys = session()
    await open().history.append(keys, messages('uaua'), bounds({ title: text('title') }))
    assert.deepEqual(await rewind(keys, 'm1'), { kind: 'rewound', rev: 2, removed: 4 })
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual([meta?.seq, meta?.length, meta?.tokens, entries], [0, 0, 0, []])
    assert.deepEqual(meta?.title, text('title'))
    assert.deepEqual(await listed(open, keys), [keys.id])
    await open().history.append(keys, messages('ua'), bounds())
    assert.deepEqual(await kept(open, keys), ['ua', [1, 2]])
  })

  it('finds nothing to remove where the message is not kept', async () => {
    const keys = session()
    assert.deepEqual(await rewind(keys, 'm1'), { kind: 'absent' })
    assert.equal(await open().exists([keys.session, keys.index]), 0)
    await open().history.append(keys, messages('uauaua'), bounds({ max: 5, keep: 4 }))
    const before = await open().history.read(keys, everything)
    for (const id of ['m1', 'm7', 'seq'])
      assert.deepEqual(await rewind(keys, id), { kind: 'absent' })
    assert.deepEqual(await open().history.read(keys, everything), before)
    await rewind(keys, 'm5')
    assert.deepEqual(await rewind(keys, 'm5'), { kind: 'absent' })
  })

  it('goes back over thousands', async () => {
    const keys = session()
    const all = messages(`s${'ua'.repeat(1_500)}s`)
    await appendMany(open, keys, all)
    const done = await rewind(keys, 'm1101')
    assert.equal(done.kind === 'rewound' && done.removed, 1_902)
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual([meta?.length, entries.length, meta?.tokens], [1_100, 1_100, 11_000])
    assert.equal(meta?.system?.id, 'm1')
    const added = await open().history.append(keys, all.slice(1_099, 1_102), bounds({ max: 9_999 }))
    assert.equal(added.kind === 'appended' && added.added, 2)
  })
}

function dependents({ open, it }: Suite): void {
  const rewind = (keys: SessionKeys, id: string) => open().history.rewind(keys, id, changing())

  it('takes a summary along that reached beyond, and leaves one that did not', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauaua'), bounds())
    await open().history.amend(
      keys,
      { summary: { through: 3, after: 0, payload: text('so far') } },
      changing(),
    )
    await rewind(keys, 'm4')
    assert.equal((await metaOf(open, keys))?.summary?.through, 3)
    await rewind(keys, 'm3')
    assert.equal((await metaOf(open, keys))?.summary, undefined)
  })

  it('makes the newest system message that is left the newest', async () => {
    const keys = session()
    await open().history.append(keys, messages('sududu'), bounds())
    const system = async () => (await metaOf(open, keys))?.system
    await rewind(keys, 'm4')
    assert.deepEqual(await system(), { ...messages('d', 3)[0], seq: 3 })
    await rewind(keys, 'm2')
    assert.equal((await system())?.id, 'm1')
    await rewind(keys, 'm1')
    assert.equal(await system(), undefined)
  })

  it('leaves a system message that is not among the messages', async () => {
    const keys = session()
    await open().history.append(keys, messages('suaua'), bounds({ max: 4, keep: 3 }))
    await rewind(keys, 'm4')
    assert.equal((await metaOf(open, keys))?.system?.id, 'm1')
    await open().history.amend(keys, { system: message('own', 's') }, changing())
    await rewind(keys, 'm2').then(() => rewind(keys, 'm3'))
    assert.equal((await metaOf(open, keys))?.system?.id, 'own')
  })
}
