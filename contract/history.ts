import assert from 'node:assert/strict'
import { redacted } from '../lib/redact.ts'
import { bounds, everything, kept, message, messages, session } from './conversation.ts'
import { historyBoundsContract } from './history-bounds.ts'
import { historyKeepingContract } from './history-keeping.ts'
import { fresh, hostile } from './names.ts'
import type { Suite } from './suite.ts'

/** What conversations must do, on every provider. */
export function historyContract(suite: Suite): void {
  const { describe } = suite
  describe('appending', () => {
    appending(suite)
    appendingMuch(suite)
  })
  describe('appending what is there', () => duplicates(suite))
  describe('appending at a revision', () => revisions(suite))
  historyBoundsContract(suite)
  historyKeepingContract(suite)
}

function appending({ open, it }: Suite): void {
  it('keeps messages as they are, in order', async () => {
    const keys = session()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const first = { id: 'a', role: 's', tokens: 0, payload: bytes } as const
    const second = { id: 'b', role: 't', tokens: 7, payload: redacted('a|b|c') } as const
    assert.deepEqual(await open().history.append(keys, [first, second], bounds()), {
      kind: 'appended',
      rev: 1,
      seq: 2,
      added: 2,
      duplicates: 0,
      trimmed: 0,
      created: true,
    })
    const { entries } = await open().history.read(keys, everything)
    assert.deepEqual(entries, [
      { ...first, seq: 1 },
      { ...second, seq: 2, payload: Buffer.from('a|b|c') },
    ])
  })

  it('keeps a message under an id of any length that there is', async () => {
    for (const length of [1, 40, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 384]) {
      const keys = session()
      const long = { ...message('x'), id: 'x'.repeat(length), tokens: 999_999_999 }
      await open().history.append(keys, [long], bounds())
      const { entries } = await open().history.read(keys, everything)
      assert.deepEqual(entries, [{ ...long, seq: 1 }])
    }
  })

  it('knows the session without its messages', async () => {
    const keys = session()
    await open().history.append(keys, messages('su'), bounds())
    const before = await open().history.read(keys, everything)
    await open().history.append(keys, messages('a', 3), bounds({ title: Buffer.from('late') }))
    const { meta } = await open().history.read(keys, everything)
    assert.ok(meta && before.meta, 'the session is known')
    const { createdAt, updatedAt, system, ...counts } = meta
    assert.deepEqual(counts, {
      rev: 2,
      seq: 3,
      length: 3,
      tokens: 30,
      title: Buffer.from('late'),
      pinned: false,
      meta: undefined,
      summary: undefined,
      turns: [],
    })
    assert.equal(createdAt, before.meta.createdAt)
    assert.ok(updatedAt >= before.meta.updatedAt, 'updatedAt grows')
    assert.ok(Math.abs(updatedAt - Date.now()) < 60_000, `${updatedAt} is not now`)
    assert.deepEqual(system, before.entries[0])
  })

  it('keeps the first title', async () => {
    const keys = session()
    for (const [at, title] of ['first', 'second'].entries())
      await open().history.append(keys, [message(`${at}`)], bounds({ title: Buffer.from(title) }))
    assert.deepEqual(
      (await open().history.read(keys, everything)).meta?.title,
      Buffer.from('first'),
    )
  })
}

function appendingMuch({ open, it }: Suite): void {
  it('keeps many at once, each once, in the order of the calls', async () => {
    const keys = session()
    await open().history.append(keys, [message('0')], bounds())
    const calls = Array.from({ length: 50 }, (_, at) =>
      open().history.append(keys, [message(`${at + 1}`)], bounds()),
    )
    const seqs = (await Promise.all(calls)).map((done) => done.kind === 'appended' && done.seq)
    const { entries, meta } = await open().history.read(keys, everything)
    assert.deepEqual(
      seqs,
      Array.from({ length: 50 }, (_, at) => at + 2),
    )
    assert.deepEqual(
      entries.map(({ id }) => id),
      Array.from({ length: 51 }, (_, at) => `${at}`),
    )
    assert.equal(meta?.rev, 51)
  })

  it('keeps several thousand in one call', async () => {
    const keys = session()
    const many = messages('ua'.repeat(4_500))
    const done = await open().history.append(keys, many, bounds({ max: 10_000, keep: 9_000 }))
    assert.equal(done.kind === 'appended' && done.added, 9_000)
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual([meta?.length, meta?.tokens, entries.length], [9_000, 90_000, 9_000])
    assert.equal(entries.at(-1)?.id, 'm9000')
  })

  it('takes hostile names of owners, sessions and messages, and keeps them apart', async () => {
    const names = hostile.filter((name) => name.length < 100)
    const own = fresh('own')
    const all = names.flatMap((name) => [session(name, own), session(own, name)])
    for (const [at, keys] of all.entries()) {
      const entries = names.map((name) => message(name, 'u', `${at} ${name}`))
      const done = await open().history.append(keys, entries, bounds())
      assert.equal(done.kind === 'appended' && done.added, names.length)
    }
    for (const [at, keys] of all.entries()) {
      const { entries } = await open().history.read(keys, everything)
      assert.deepEqual(
        entries.map(({ payload }) => payload.toString()),
        names.map((name) => `${at} ${name}`),
      )
    }
  })
}

function duplicates({ open, it }: Suite): void {
  const nothing = { kind: 'appended', added: 0, trimmed: 0, created: false } as const

  it('keeps an id once, within a call and between calls', async () => {
    const keys = session()
    const both = [message('a', 'u', 'first'), message('a', 'u', 'second'), message('b')]
    const first = await open().history.append(keys, both, bounds())
    const second = await open().history.append(keys, [message('b'), message('c')], bounds())
    const common = { kind: 'appended', duplicates: 1, trimmed: 0 } as const
    assert.deepEqual(first, { ...common, rev: 1, seq: 2, added: 2, created: true })
    assert.deepEqual(second, { ...common, rev: 2, seq: 3, added: 1, created: false })
    const { entries } = await open().history.read(keys, everything)
    assert.deepEqual(
      entries.map(({ id, payload }) => `${id}: ${payload}`),
      ['a: first', 'b: text of b', 'c: text of c'],
    )
  })

  it('changes nothing when all are there', async () => {
    const keys = session()
    await open().history.append(keys, messages('ua'), bounds())
    const before = await open().history.read(keys, everything)
    const done = await open().history.append(keys, messages('ua'), bounds())
    assert.deepEqual(done, { ...nothing, rev: 1, seq: 2, duplicates: 2 })
    assert.deepEqual(await open().history.read(keys, everything), before)
  })

  it('makes no session of no messages', async () => {
    const keys = session()
    const done = await open().history.append(keys, [], bounds())
    assert.deepEqual(done, { ...nothing, rev: 0, seq: 0, duplicates: 0 })
    assert.equal(await open().exists([keys.session, keys.index]), 0)
  })

  it('tells ids apart by every byte', async () => {
    const keys = session()
    const ids = ['a', 'A', 'rev', 'seq', 'len', '__proto__', 'constructor', 'i%3Aa']
    const entries = ids.map((id) => ({ ...message('x'), id }))
    const done = await open().history.append(keys, entries, bounds())
    assert.equal(done.kind === 'appended' && done.added, ids.length)
  })
}

function revisions({ open, it }: Suite): void {
  it('appends only at the revision asked for; a session that is not there has 0', async () => {
    const keys = session()
    const at = (ifRev: number, id: string) =>
      open().history.append(keys, [message(id)], bounds({ ifRev }))
    assert.deepEqual(await at(1, 'a'), { kind: 'conflict', rev: 0 })
    assert.equal(await open().exists([keys.session, keys.index]), 0)
    assert.equal((await at(0, 'a')).kind, 'appended')
    assert.deepEqual(await at(0, 'b'), { kind: 'conflict', rev: 1 })
    assert.equal((await at(1, 'b')).kind, 'appended')
    assert.deepEqual(await kept(open, keys), ['uu', [1, 2]])
  })

  it('lets one of many at one revision through', async () => {
    const keys = session()
    const calls = Array.from({ length: 20 }, (_, at) =>
      open().history.append(keys, [message(`${at}`)], bounds({ ifRev: 0 })),
    )
    const done = await Promise.all(calls)
    assert.equal(done.filter(({ kind }) => kind === 'appended').length, 1)
    assert.equal((await kept(open, keys))[0], 'u')
  })
}
