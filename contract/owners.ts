import assert from 'node:assert/strict'
import { type OwnerKeys, ownerKeys, type SessionKeys } from '../lib/keys.ts'
import {
  bounds,
  changing,
  everything,
  listed,
  message,
  messages,
  metaOf,
  minuteMs,
  session,
} from './conversation.ts'
import { pause } from './expectations.ts'
import { fieldBounds, fieldMap, preferencesOf, stateOf } from './field-values.ts'
import { fresh } from './names.ts'
import type { Opened, Suite } from './suite.ts'

/** What becomes of all sessions of an owner, on every provider. */
export function ownersContract(suite: Suite): void {
  const { describe } = suite
  describe('shrinking', () => shrinking(suite))
  describe('forgetting an owner', () => {
    forgetting(suite)
    tombstone(suite)
  })
}

const oneField = fieldMap({ field: 'value' })

/** So many sessions with state, the last of them active last. */
async function active(open: Opened, owner: string, count: number): Promise<SessionKeys[]> {
  const all = Array.from({ length: count }, (_, at) => session(owner, `s${at}`))
  for (const keys of all) {
    await open().history.append(keys, messages('ua'), bounds())
    await open().fields.write(stateOf(keys), oneField, fieldBounds())
    await pause(2)
  }
  return all
}

function shrinking({ open, it }: Suite): void {
  it('removes those that were not active for longest, with all that hangs on them', async () => {
    const owner = fresh('owner')
    const all = await active(open, owner, 5)
    const [first] = all as [SessionKeys]
    await open().history.append(first, [message('later')], bounds())
    const gone = await open().history.shrink(first, 3)
    assert.deepEqual(gone, ['s1', 's2'])
    assert.deepEqual(await listed(open, first), ['s0', 's4', 's3'])
    for (const keys of all.slice(1, 3)) assert.deepEqual(await open().keys(`${keys.session}*`), [])
    assert.deepEqual(await open().history.shrink(first, 3), [])
  })

  it('removes none where there are not too many, and knows owners without sessions', async () => {
    const owner = fresh('owner')
    const [keys] = (await active(open, owner, 2)) as [SessionKeys]
    assert.deepEqual(await open().history.shrink(keys, 2), [])
    assert.equal((await listed(open, keys)).length, 2)
    assert.deepEqual(await open().history.shrink(session(), 1), [])
  })

  it('leaves those that are pinned, and the one that was active last', async () => {
    const owner = fresh('owner')
    const [keys] = (await active(open, owner, 4)) as [SessionKeys]
    await open().history.amend(session(owner, 's1'), { pinned: true }, changing())
    await pause(2)
    await open().history.append(session(owner, 's3'), [message('later')], bounds())
    assert.deepEqual(await open().history.shrink(keys, 0), ['s0', 's2'])
    assert.deepEqual(await listed(open, keys), ['s3', 's1'])
    assert.deepEqual(await open().history.shrink(keys, 1), [])
  })

  it('counts only sessions that are there', async () => {
    const owner = fresh('owner')
    const all = await active(open, owner, 6)
    await open().delete(all.slice(3).map((keys) => keys.session))
    assert.deepEqual(await open().history.shrink(session(owner), 3), [])
    assert.deepEqual(await listed(open, session(owner)), ['s2', 's1', 's0'])
  })

  it("removes hundreds, and only the owner's", async () => {
    const owner = fresh('owner')
    const other = session()
    await open().history.append(other, messages('u'), bounds())
    const all = Array.from({ length: 320 }, (_, at) => session(owner, `s${at}`))
    await Promise.all(all.map((keys) => open().history.append(keys, messages('u'), bounds())))
    const gone = await open().history.shrink(session(owner), 10)
    assert.equal(new Set(gone).size, 310)
    assert.equal((await listed(open, session(owner))).length, 10)
    assert.ok(await metaOf(open, other))
  })
}

/** The owner's keys that are there, but for the tombstone. */
async function left(open: Opened, { index, gone, preferences }: OwnerKeys): Promise<string[]> {
  const user = preferences.slice(0, preferences.lastIndexOf(':'))
  const patterns = [index, `${index}:*`, `${user}:*`]
  const found = await Promise.all(patterns.map((pattern) => open().keys(pattern)))
  return found.flat().filter((key) => key !== gone)
}

function forgetting({ open, it }: Suite): void {
  it('removes all sessions and preferences, and tells how many sessions', async () => {
    const owner = fresh('owner')
    const [keys] = (await active(open, owner, 3)) as [SessionKeys]
    await open().history.amend(session(owner, 's1'), { pinned: true }, changing())
    await open().fields.write(preferencesOf(owner), oneField, fieldBounds())
    assert.ok((await left(open, keys)).length >= 4)
    assert.equal(await open().history.forget(keys), 3)
    assert.deepEqual(await left(open, keys), [])
    assert.deepEqual(await listed(open, keys), [])
  })

  it('removes hundreds', async () => {
    const owner = fresh('owner')
    const all = Array.from({ length: 230 }, (_, at) => session(owner, `s${at}`))
    await Promise.all(all.map((keys) => open().history.append(keys, messages('u'), bounds())))
    assert.equal(await open().history.forget(session(owner)), 230)
    assert.deepEqual(await left(open, session(owner)), [])
  })

  it('removes what is left of a session whose key is gone', async () => {
    const owner = fresh('owner')
    const [keys] = (await active(open, owner, 2)) as [SessionKeys]
    await open().delete([keys.session])
    assert.equal(await open().history.forget(keys), 1)
    assert.deepEqual(await left(open, keys), [])
  })

  it('is nothing where there is nothing, and leaves other owners', async () => {
    const [keys] = (await active(open, fresh('owner'), 1)) as [SessionKeys]
    assert.equal(await open().history.forget(ownerKeys(fresh('nobody'))), 0)
    assert.ok(await metaOf(open, keys))
    assert.equal((await open().fields.read(stateOf(keys), undefined, undefined)).size, 1)
  })
}

function tombstone({ open, it }: Suite): void {
  it('lets nothing be written for the owner', async () => {
    const owner = fresh('owner')
    const [keys] = (await active(open, owner, 1)) as [SessionKeys]
    await open().history.forget(keys)
    const { history, fields } = open()
    const limits = changing()
    const title = Buffer.from('x')
    for (const written of [
      await history.append(keys, messages('u'), bounds()),
      await history.amend(keys, { title }, limits),
      await history.update(keys, message('m1'), limits),
      await history.rewind(keys, 'm1', limits),
      await history.fork(keys, session(owner), undefined, minuteMs),
      await fields.write(stateOf(keys), oneField, fieldBounds()),
      await fields.write(preferencesOf(owner), oneField, fieldBounds()),
    ])
      assert.deepEqual(written, { kind: 'forgotten' })
    assert.deepEqual(await left(open, keys), [])
    assert.deepEqual(await history.read(keys, everything), { meta: undefined, entries: [] })
  })

  it('lets everybody else write', async () => {
    await open().history.forget(session())
    const other = session()
    assert.equal((await open().history.append(other, messages('u'), bounds())).kind, 'appended')
  })
}
