import assert from 'node:assert/strict'
import { batch, batchesOf, end, recordsOf, take, write } from './answering.ts'
import { message, minuteMs, session } from './conversation.ts'
import { eventually, pause } from './expectations.ts'
import type { Suite } from './suite.ts'

/** How an answer grows. */
export function turnsWriteContract(suite: Suite): void {
  const { describe } = suite
  describe('the pieces of an answer', () => {
    pieces(suite)
    keepingPieces(suite)
  })
  describe('the lease of a turn', () => leases(suite))
  describe("a turn that is no longer one's own", () => lost(suite))
}

function pieces({ open, it }: Suite): void {
  it('are kept in order, and read from behind a number', async () => {
    const keys = session()
    const hold = await take(open, keys)
    for (const last of [3, 4, 100])
      assert.equal(await write(open, keys, hold, batch(last)), 'written')
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['3 up to 3', '4 up to 4', '100 up to 100'])
    assert.deepEqual(await batchesOf(open, keys, 'q', 2), await batchesOf(open, keys, 'q'))
    assert.deepEqual(await batchesOf(open, keys, 'q', 3), ['4 up to 4', '100 up to 100'])
    assert.deepEqual(await batchesOf(open, keys, 'q', 50), ['100 up to 100'])
    assert.deepEqual(await batchesOf(open, keys, 'q', 100), [])
  })

  it('are bytes, and a copy of them', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const given = Buffer.from(bytes)
    await write(open, keys, hold, { last: 1, bytes: given })
    given.fill(0)
    const [first] = (await open().turns.look(keys, 'q', 0, 0)).batches
    assert.deepEqual(first?.bytes, bytes)
    first?.bytes.fill(0)
    assert.deepEqual((await open().turns.look(keys, 'q', 0, 0)).batches[0]?.bytes, bytes)
  })

  it('are kept once, also when they are sent twice', async () => {
    const keys = session()
    const hold = await take(open, keys)
    for (const last of [1, 2, 2, 1])
      assert.equal(await write(open, keys, hold, batch(last)), 'written')
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['1 up to 1', '2 up to 2'])
  })

  it('of two turns are apart', async () => {
    const keys = session()
    const one = await take(open, keys, { claim: { alone: false } })
    const two = await take(open, keys, { claim: { alone: false }, question: message('r') })
    await write(open, keys, one, batch(1, 'one'))
    await write(open, keys, two, batch(1, 'two'))
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['1 one'])
    assert.deepEqual(await batchesOf(open, keys, 'r'), ['1 two'])
  })
}

function keepingPieces({ open, it }: Suite): void {
  it('are counted anew when a question that got no answer is asked again', async () => {
    const keys = session()
    const first = await take(open, keys)
    await write(open, keys, first, batch(7, 'old'))
    await end(open, keys, first, [])
    const second = await take(open, keys)
    assert.deepEqual(await batchesOf(open, keys, 'q'), [])
    await write(open, keys, second, batch(1, 'new'))
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['1 new'])
  })

  it('stay as long as the session where nobody ends their turn', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await write(open, keys, hold, batch(1), { leaseMs: 20, keepMs: 20 })
    await pause(40)
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['1 up to 1'])
  })

  it('go some time after the end', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await write(open, keys, hold, batch(1))
    await end(open, keys, hold, undefined, { keepMs: 20 })
    await eventually(async () => (await batchesOf(open, keys, 'q')).length === 0)
  })

  it('stay for some time after the end', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await write(open, keys, hold, batch(1), { keepMs: 20 })
    await end(open, keys, hold)
    await pause(40)
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['1 up to 1'])
  })
}

function leases({ open, it }: Suite): void {
  const live = async (keys: ReturnType<typeof session>) =>
    (await open().turns.look(keys, 'q', 0, 0)).live

  it('runs out, and is renewed by a write, with pieces or without', async () => {
    const keys = session()
    const hold = await take(open, keys, { claim: { leaseMs: 20 } })
    await eventually(async () => !(await live(keys)))
    for (const pieces of [undefined, batch(1), batch(1)]) {
      assert.equal(await write(open, keys, hold, pieces), 'written')
      assert.equal(await live(keys), true)
      await write(open, keys, hold, undefined, { leaseMs: 1 })
      await eventually(async () => !(await live(keys)))
    }
  })

  it('ends with the turn', async () => {
    const keys = session()
    const hold = await take(open, keys)
    assert.equal(await live(keys), true)
    await end(open, keys, hold)
    assert.equal(await live(keys), false)
  })

  it('of one turn is not renewed by another', async () => {
    const keys = session()
    await take(open, keys, { claim: { alone: false, leaseMs: 1000 } })
    const other = await take(open, keys, { claim: { alone: false }, question: message('r') })
    const before = await recordsOf(open, keys)
    await write(open, keys, other, batch(1), { leaseMs: 2 * minuteMs })
    const after = await recordsOf(open, keys)
    assert.deepEqual(after[0], before[0])
    assert.ok((after[1]?.until ?? 0) > (before[1]?.until ?? 0), 'its own is renewed')
  })
}

function lost({ open, it }: Suite): void {
  const written = async (
    keys: ReturnType<typeof session>,
    hold: { readonly turn: string; readonly token: string },
  ) => [await write(open, keys, hold, batch(9)), await write(open, keys, hold)]
  const twice = ['lost', 'lost']

  it('takes nothing from another token, nor under another question', async () => {
    const keys = session()
    const hold = await take(open, keys)
    assert.deepEqual(await written(keys, { ...hold, token: 'another' }), twice)
    assert.deepEqual(await written(keys, { ...hold, turn: 'another' }), twice)
    assert.deepEqual(await batchesOf(open, keys, 'q'), [])
  })

  it('takes nothing after its end', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await end(open, keys, hold)
    assert.deepEqual(await written(keys, hold), twice)
    assert.deepEqual(await batchesOf(open, keys, 'q'), [])
  })

  it('takes nothing after its session was removed, and makes none', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await open().history.remove(keys)
    assert.deepEqual(await written(keys, hold), twice)
    assert.equal((await end(open, keys, hold)).kind, 'lost')
    assert.deepEqual(await open().keys(`${keys.session}*`), [])
    await take(open, keys, { question: message('new') })
    assert.deepEqual(await written(keys, hold), twice)
    assert.equal((await end(open, keys, hold)).kind, 'lost')
  })

  it('takes nothing where there never was one', async () => {
    const keys = session()
    assert.deepEqual(await written(keys, { turn: 'q', token: 'any' }), twice)
    assert.deepEqual(await open().keys(`${keys.session}*`), [])
  })
}
