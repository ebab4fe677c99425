import assert from 'node:assert/strict'
import { type SessionKeys, stateKey } from '../lib/keys.ts'
import { bounds, keptFor, listed, messages, metaOf, minuteMs, session } from './conversation.ts'
import { failsWith, pause, within } from './expectations.ts'
import { type Changes, fieldBounds, fieldMap, stateOf } from './field-values.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What the state of a session must do, on every provider. */
export function statesContract(suite: Suite): void {
  suite.describe("a session's state", () => {
    states(suite)
    statesInTime(suite)
  })
}

function states({ open, it }: Suite): void {
  const write = (keys: SessionKeys, changes: Changes) =>
    open().fields.write(stateOf(keys), fieldMap(changes), fieldBounds())

  it('makes the session where there is none', async () => {
    const keys = session()
    await write(keys, { a: undefined })
    assert.equal(await open().exists([keys.session, keys.index]), 0)
    await write(keys, { a: '1' })
    const meta = await metaOf(open, keys)
    assert.deepEqual([meta?.rev, meta?.seq, meta?.length, meta?.tokens], [1, 0, 0, 0])
    assert.deepEqual(await listed(open, keys), [keys.id])
    await keptFor(open, keys, minuteMs)
    await open().history.append(keys, messages('u'), bounds({ ifRev: 1 }))
    assert.equal((await metaOf(open, keys))?.seq, 1)
  })

  it('counts as activity of the session, and leaves its revision', async () => {
    const owner = fresh('owner')
    const [keys, other] = [session(owner), session(owner)]
    for (const each of [keys, other]) {
      await open().history.append(each, messages('u'), bounds({ ttlMs: 5_000 }))
      await pause(3)
    }
    await write(keys, { a: '1' })
    assert.deepEqual(await listed(open, keys), [keys.id, other.id])
    const meta = await metaOf(open, keys)
    assert.ok(meta && meta.updatedAt > meta.createdAt)
    assert.equal(meta.rev, 1)
    for (const key of [keys.session, keys.index, stateKey(keys)]) {
      const left = await open().ttl(key)
      assert.ok(left !== undefined && left > 5_000 && left <= minuteMs, `${left}`)
    }
  })

  it('goes with the session', async () => {
    const keys = session()
    await write(keys, { a: '1' })
    assert.deepEqual(await open().keys(stateKey(keys)), [stateKey(keys)])
    assert.equal(await open().history.remove(keys), true)
    assert.equal(await open().exists([stateKey(keys)]), 0)
    await write(keys, { b: '1' })
    assert.ok((await open().deletePattern(`${keys.index}:*`)) >= 2)
    assert.deepEqual(await open().fields.read(stateOf(keys), undefined, undefined), new Map())
    assert.deepEqual(await listed(open, keys), [])
  })

  it('is not written under the seal of another', async () => {
    const keys = session()
    await write(keys, { a: '1' })
    await failsWith('corrupt', write({ ...keys, seal: 'another' }, { a: '2' }))
    const found = await open().fields.read(stateOf(keys), undefined, undefined)
    assert.deepEqual(found, fieldMap({ a: '1' }))
  })
}

function statesInTime({ open, it }: Suite): void {
  const write = (keys: SessionKeys, changes: Changes) =>
    open().fields.write(stateOf(keys), fieldMap(changes), fieldBounds())

  it('is kept as long as the session', async () => {
    const keys = session()
    await open().history.append(keys, messages('uau'), bounds())
    await write(keys, { a: '1' })
    const renewed = async () => {
      within(await open().ttl(stateKey(keys)), minuteMs)
      await open().expire(stateKey(keys), 5_000)
    }
    await renewed()
    await open().history.read(keys, { limit: 1, before: undefined, ttlMs: minuteMs })
    await renewed()
    await open().fields.read(stateOf(keys), [], minuteMs)
    await renewed()
    await open().history.rewind(keys, 'm3', { ttlMs: minuteMs, ifRev: undefined })
    await renewed()
    await open().history.amend(keys, { pinned: true }, { ttlMs: minuteMs, ifRev: undefined })
    await renewed()
    await open().fields.write(
      stateOf(keys),
      fieldMap({ b: '1' }),
      fieldBounds({ ttlMs: undefined }),
    )
    for (const key of [keys.session, keys.index, stateKey(keys)])
      assert.equal(await open().ttl(key), Number.POSITIVE_INFINITY)
  })

  it('is left by a read without a time to live, and renewed with one', async () => {
    const keys = session()
    await write(keys, { a: '1' })
    await open().fields.read(stateOf(keys), undefined, undefined)
    within(await open().ttl(keys.session), minuteMs)
    const found = await open().fields.read(stateOf(keys), undefined, 5 * minuteMs)
    assert.deepEqual(found, fieldMap({ a: '1' }))
    for (const key of [keys.session, keys.index, stateKey(keys)]) {
      const left = await open().ttl(key)
      assert.ok(left !== undefined && left > 4 * minuteMs && left <= 5 * minuteMs, `${left}`)
    }
  })
}
