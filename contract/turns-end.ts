import assert from 'node:assert/strict'
import { begin, end, recordsOf, take, write } from './answering.ts'
import { bounds, everything, kept, message, messages, minuteMs, session } from './conversation.ts'
import { eventually, within } from './expectations.ts'
import type { Suite } from './suite.ts'

/** How turns end. */
export function turnsEndContract(suite: Suite): void {
  const { describe } = suite
  describe('ending a turn', () => {
    ending(suite)
    endingAgain(suite)
  })
  describe('ending a turn of somebody else', () => lapsed(suite))
  describe('trimming beside a turn', () => trimming(suite))
}

function ending({ open, it }: Suite): void {
  it('appends the answer and ends the turn', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const done = await end(open, keys, hold, messages('ata'))
    const counts = { added: 3, duplicates: 0, trimmed: 0 }
    assert.deepEqual(done, { kind: 'ended', rev: 2, seq: 4, ...counts })
    assert.deepEqual(await kept(open, keys), ['uata', [1, 2, 3, 4]])
    const [record] = await recordsOf(open, keys)
    assert.deepEqual([record?.turn, record?.token, record?.state], ['q', hold.token, 'ended'])
    assert.ok(Math.abs((record?.until ?? 0) - Date.now() - minuteMs) < 30_000, 'until keepMs later')
  })

  it('lets the next question through', async () => {
    const keys = session()
    await end(open, keys, await take(open, keys))
    const next = await begin(open, keys, { question: message('next') })
    assert.deepEqual(next.kind === 'begun' && next.seq, 3)
  })

  it('leaves a question without an answer to be asked again', async () => {
    const keys = session()
    const done = await end(open, keys, await take(open, keys), [])
    const counts = { added: 0, duplicates: 0, trimmed: 0 }
    assert.deepEqual(done, { kind: 'ended', rev: 1, seq: 1, ...counts })
    const next = await begin(open, keys)
    assert.equal(next.kind === 'begun' && next.again, true)
    assert.equal((await recordsOf(open, keys)).length, 1)
  })

  it('keeps the session as long as an append does', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await end(open, keys, hold, undefined, { bounds: { ttlMs: 5 * minuteMs } })
    for (const key of [keys.session, keys.index]) within(await open().ttl(key), 5 * minuteMs)
  })

  it('is refused to whoever has another token', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const done = await end(open, keys, { ...hold, token: 'another' })
    assert.deepEqual([done, await kept(open, keys)], [{ kind: 'lost' }, ['u', [1]]])
    assert.equal((await end(open, session(), hold)).kind, 'lost')
  })
}

function endingAgain({ open, it }: Suite): void {
  it('finds its messages as duplicates when it is sent twice', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await end(open, keys, hold, messages('ata'))
    const before = await open().history.read(keys, everything)
    const done = await end(open, keys, hold, messages('ata'))
    const counts = { added: 0, duplicates: 3, trimmed: 0 }
    assert.deepEqual(done, { kind: 'ended', rev: 2, seq: 4, ...counts })
    assert.deepEqual(await open().history.read(keys, everything), before)
  })

  it('comes too late with another answer', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await end(open, keys, hold)
    const done = await end(open, keys, hold, [message('another', 'a')])
    assert.deepEqual([done, await kept(open, keys)], [{ kind: 'lost' }, ['ua', [1, 2]]])
  })

  it('adds one answer of fifty', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const ends = Array.from({ length: 50 }, (_, at) =>
      end(open, keys, hold, [message(`a${at}`, 'a')]),
    )
    const kinds = (await Promise.all(ends)).map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'ended').length, 1)
    assert.deepEqual(await kept(open, keys), ['ua', [1, 2]])
  })
}

function lapsed({ open, it }: Suite): void {
  it('waits for its lease, then ends it', async () => {
    const keys = session()
    const hold = await take(open, keys)
    assert.deepEqual(await end(open, keys, hold, undefined, { lapsed: true }), { kind: 'held' })
    assert.deepEqual(await kept(open, keys), ['u', [1]])
    await write(open, keys, hold, undefined, { leaseMs: 1 })
    await eventually(
      async () => (await end(open, keys, hold, undefined, { lapsed: true })).kind === 'ended',
    )
    assert.deepEqual(await kept(open, keys), ['ua', [1, 2]])
    assert.deepEqual(await begin(open, keys), { kind: 'answered', first: 2, count: 1 })
  })

  it('takes it from whoever answered it', async () => {
    const keys = session()
    const hold = await take(open, keys, { claim: { leaseMs: 1 } })
    await eventually(async () => !(await open().turns.look(keys, 'q', 0, 0)).live)
    await end(open, keys, hold, [message('rest', 'a')], { lapsed: true })
    assert.equal(await write(open, keys, hold), 'lost')
    assert.equal((await end(open, keys, hold, [message('whole', 'a')])).kind, 'lost')
    assert.deepEqual(await kept(open, keys), ['ua', [1, 2]])
  })

  it('is not possible for two', async () => {
    const keys = session()
    const hold = await take(open, keys, { claim: { leaseMs: 1 } })
    await eventually(async () => !(await open().turns.look(keys, 'q', 0, 0)).live)
    const ends = ['one', 'two'].map((id) =>
      end(open, keys, hold, [message(id, 'a')], { lapsed: true }),
    )
    const kinds = (await Promise.all(ends)).map(({ kind }) => kind)
    assert.deepEqual(kinds.sort(), ['ended', 'lost'])
  })
}

function trimming({ open, it }: Suite): void {
  const small = { max: 4, keep: 3 }

  it('keeps a question while it is answered, and what follows it', async () => {
    const keys = session()
    await open().history.append(keys, messages('uaua'), bounds())
    const hold = await take(open, keys, { claim: { alone: false } })
    await open().history.append(keys, messages('uau', 10), bounds(small))
    assert.deepEqual(await kept(open, keys), ['uuau', [5, 6, 7, 8]])
    await end(open, keys, hold, undefined, { bounds: small })
    const answered = await begin(open, keys)
    assert.deepEqual(answered, { kind: 'answered', first: 9, count: 1 })
  })

  it('moves it to what is kept, where much follows it', async () => {
    const keys = session()
    const hold = await take(open, keys, { claim: { alone: false } })
    await open().history.append(keys, messages('uauauaua', 10), bounds(small))
    const { entries, meta } = await open().history.read(keys, everything)
    assert.deepEqual(
      entries.map(({ seq, id }) => `${seq} ${id}`),
      ['7 q', '8 m16', '9 m17'],
    )
    assert.deepEqual([meta?.length, meta?.tokens, meta?.seq], [3, 30, 9])
    assert.equal((await end(open, keys, hold)).kind, 'ended')
    assert.deepEqual(await begin(open, keys), { kind: 'answered', first: 10, count: 1 })
  })

  it('knows where it stands, where its own end has moved it', async () => {
    const keys = session()
    const hold = await take(open, keys, { claim: { alone: false } })
    await open().history.append(keys, messages('uauauaua', 10), bounds())
    assert.equal((await end(open, keys, hold, undefined, { bounds: small })).kind, 'ended')
    const times = { ttlMs: undefined, ifRev: undefined }
    const { kind } = await open().history.update(keys, message('q'), times)
    assert.equal(kind, 'changed')
  })

  it('lets it go like any other when its lease has run out', async () => {
    const keys = session()
    await take(open, keys, { claim: { leaseMs: 1 } })
    await eventually(async () => !(await open().turns.look(keys, 'q', 0, 0)).live)
    await open().history.append(keys, messages('uaua', 10), bounds(small))
    assert.deepEqual(await kept(open, keys), ['ua', [4, 5]])
  })

  it('trims nothing where a turn is taken again or ends without an answer', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauau'), bounds())
    const hold = await take(open, keys, { question: message('m5'), bounds: small })
    await end(open, keys, hold, [], { bounds: small })
    assert.deepEqual((await kept(open, keys))[0], 'uauau')
    assert.equal((await end(open, keys, hold, [])).kind, 'ended')
  })

  it('keeps the question of an answer that is too long, and says where the rest of that is', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await end(open, keys, hold, messages('atatatataa', 10), { bounds: small })
    assert.deepEqual(await kept(open, keys), ['uaa', [9, 10, 11]])
    assert.deepEqual(await begin(open, keys), { kind: 'answered', first: 10, count: 2 })
  })
}
